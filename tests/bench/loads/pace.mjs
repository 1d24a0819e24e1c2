// How work is spread over time.

/**
 * Does `work(0)`, `work(1)` and so on, `width` of them at any time, until `count` were begun or
 * `seconds` are over. What is under way then counts only when it ends within `grace` seconds more.
 */
export async function pace({ count = Infinity, seconds, width = 1, grace = 0 }, work) {
	const samples = [];
	let errors = 0;
	let begun = 0;
	let over = false;
	const start = performance.now();
	const limit = start + seconds * 1000;
	const worker = async () => {
		while (begun < count && performance.now() < limit) {
			const before = performance.now();
			try {
				await work(begun++);
				if (!over) samples.push(performance.now() - before);
			} catch (error) {
				if (!over && errors++ < 3) console.error(String(error).slice(0, 300));
			}
		}
	};
	const workers = Promise.all(Array.from({ length: width }, worker));
	const late = new Promise((resolve) => setTimeout(resolve, (seconds + grace) * 1000).unref());
	await Promise.race([workers, late]);
	over = true;
	return { samples, errors, seconds: (performance.now() - start) / 1000 };
}
