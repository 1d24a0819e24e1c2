// Many plain WebSockets that stay open, from several addresses of this host: each has its own ports, and
// upstream's engine lets one address have two thousand.
import WebSocket from "ws";
import { TOKEN } from "../processes.mjs";

const PER_ADDRESS = 500;
const open = [];

function connect(id, number) {
	const url = `ws://127.0.0.1:${process.env.BENCH_PORT}/gateway/${id}/websocket/x`;
	const localAddress = `127.0.0.${2 + Math.floor(number / PER_ADDRESS)}`;
	return new Promise((resolve, reject) => {
		const socket = new WebSocket(url, ["rivet", `rivet_token.${TOKEN}`], { localAddress, perMessageDeflate: false });
		socket.once("open", () => resolve(socket)).once("error", reject);
	});
}

/** Sends a text and waits for it to come back. */
function echo(socket) {
	return new Promise((resolve) => {
		const late = setTimeout(resolve, 10_000, false);
		socket.once("message", () => {
			clearTimeout(late);
			resolve(true);
		});
		socket.send("x");
	});
}

/** Opens `count` sockets, spread over the actors `ids`; each has echoed once. Tells how many as `done`. */
export async function throng({ ids, count, width, seconds }) {
	const end = performance.now() + seconds * 1000;
	let next = 0;
	const opener = async () => {
		while (next < count && performance.now() < end) {
			const number = next++;
			const socket = await connect(ids[number % ids.length], number).catch(() => undefined);
			if (socket !== undefined && (await echo(socket))) open.push(socket);
		}
	};
	await Promise.all(Array.from({ length: width }, opener));
	return { done: open.length };
}

/** How many of the first `count` sockets still answer. */
export async function echoes({ count }) {
	let answered = 0;
	for (const socket of open.slice(0, count)) if (await echo(socket)) answered += 1;
	return answered;
}
