// Actions that answer when their actor's state is saved.
import { Bed } from "../bed.mjs";

export async function writes({ binary, work, quick }) {
	const bed = await new Bed(binary, work).start();
	const ids = await bed.call("actors", { count: 16 });
	const paths = ids.map((id) => `/gateway/${id}/action/save`);
	await bed.wrk("", 16, 1, { script: "spread", paths });
	const told = { save: await bed.wrk("", 16, quick ? 2 : 5, { script: "spread", paths }) };
	await bed.end();
	return told;
}
