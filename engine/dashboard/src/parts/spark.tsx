// A line of the last minutes. The number beside it says the same in words.

const WIDTH = 240;
const HEIGHT = 36;

/** The samples, oldest first, of which there are `room` at most; gaps are where nothing was measured. */
export function Spark({ values, room }: { values: (number | undefined)[]; room: number }) {
	const top = Math.max(1e-9, ...values.map((value) => value ?? 0));
	const step = WIDTH / (room - 1);
	const start = WIDTH - (values.length - 1) * step;
	let path = "";
	let isDown = false;
	values.forEach((value, index) => {
		if (value === undefined) {
			isDown = false;
			return;
		}
		const x = (start + index * step).toFixed(1);
		const y = (HEIGHT - 2 - (value / top) * (HEIGHT - 4)).toFixed(1);
		path += `${isDown ? "L" : "M"}${x} ${y}${isDown ? "" : "h.01"}`;
		isDown = true;
	});
	return (
		<svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
			<path d={path} />
		</svg>
	);
}
