// Requests over HTTP: the API, and actors through the gateway.
import { Bed } from "../bed.mjs";
import { byKey } from "../loads/requests.mjs";
import { NAMESPACE, TOKEN } from "../processes.mjs";

export async function http({ binary, work, quick }) {
	const seconds = quick ? 2 : 4;
	const bed = await new Bed(binary, work).start();
	const told = {};
	const raw = { headers: [`x-rivet-token: ${TOKEN}`] };
	const post = { script: "post" };
	await bed.wrk(`/gateway/${bed.actor}/action/noop`, 4, quick ? 1 : 2, post);

	told.health = await bed.wrk("/health", 1, seconds);
	told.getActor = await bed.wrk(`/actors?namespace=${NAMESPACE}&actor_ids=${bed.actor}`, 1, seconds, {
		headers: [`authorization: Bearer ${TOKEN}`],
	});
	for (const connections of [1, 16, 64]) {
		told[`raw${connections}`] = await bed.wrk(`/gateway/${bed.actor}/request/x`, connections, seconds, raw);
		told[`action${connections}`] = await bed.wrk(`/gateway/${bed.actor}/action/noop`, connections, seconds, post);
	}
	for (const connections of [1, 16]) {
		told[`query${connections}`] = await bed.wrk(byKey({ key: "query" }), connections, seconds, post);
	}
	told.client = await bed.load("clientActions", { count: 300, seconds: quick ? 3 : 6 });
	await bed.end();
	return told;
}
