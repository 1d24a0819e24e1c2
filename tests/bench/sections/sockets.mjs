// Actions and events on connections of the client library.
import { Bed } from "../bed.mjs";

export async function sockets({ binary, work, quick }) {
	const seconds = quick ? 2 : 4;
	const bed = await new Bed(binary, work).start();
	await bed.call("connect", { count: 16 });
	await bed.call("onOne", { count: 200, seconds: 1 });
	const told = {
		socket: await bed.load("onOne", { seconds }),
		socketFull: await bed.load("onOne", { seconds, width: 64 }),
		sockets16: await bed.load("onAll", { seconds }),
		events: await bed.load("events", { seconds }),
	};
	await bed.end();
	return told;
}
