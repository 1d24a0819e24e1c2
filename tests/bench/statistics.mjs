// Figures out of samples.

const sorted = (samples) => [...samples].sort((a, b) => a - b);

/** The smallest sample that `percent` of the samples do not exceed. */
export function percentile(samples, percent) {
	const all = sorted(samples);
	return all[Math.max(0, Math.ceil((percent / 100) * all.length) - 1)];
}

/** The middle one, or between the two middle ones. */
export function median(samples) {
	const all = sorted(samples);
	const half = all.length >> 1;
	return all.length % 2 === 1 ? all[half] : (all[half - 1] + all[half]) / 2;
}

/** What is told of latencies, in milliseconds; nothing where there are none. */
export const latency = (samples) =>
	samples.length === 0 ? {} : { p50: percentile(samples, 50), p99: percentile(samples, 99) };
