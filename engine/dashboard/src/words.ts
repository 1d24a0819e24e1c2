// Numbers, times and bytes as people read them. Pure.

const UNITS: [number, string][] = [
	[86_400_000, "d"],
	[3_600_000, "h"],
	[60_000, "min"],
	[1000, "s"],
];

/** `3 min ago`, `in 2 h`, `now`. */
export function relative(ts: number, now: number): string {
	const away = Math.abs(now - ts);
	if (away < 1000) return "now";
	return ts <= now ? `${span(away)} ago` : `in ${span(away)}`;
}

/** A length of time, in its largest unit: `3 min`. */
export function span(milliseconds: number): string {
	const [size, unit] = UNITS.find(([size]) => milliseconds >= size) ?? [1000, "s"];
	return `${Math.floor(milliseconds / size)} ${unit}`;
}

/** A time to the second, in the reader's zone, with the zone. */
export function exact(ts: number): string {
	const time = new Date(ts);
	const pad = (number: number) => String(number).padStart(2, "0");
	const date = `${time.getFullYear()}-${pad(time.getMonth() + 1)}-${pad(time.getDate())}`;
	const minutes = -time.getTimezoneOffset();
	const zone = `UTC${minutes < 0 ? "−" : "+"}${pad(Math.floor(Math.abs(minutes) / 60))}:${pad(Math.abs(minutes) % 60)}`;
	return `${date} ${pad(time.getHours())}:${pad(time.getMinutes())}:${pad(time.getSeconds())} ${zone}`;
}

/** `512 B`, `1.4 KiB`. */
export function bytes(count: number): string {
	if (count < 1024) return `${count} B`;
	const units = ["KiB", "MiB", "GiB", "TiB"];
	let size = count / 1024;
	let unit = 0;
	while (size >= 1024 && unit < units.length - 1) {
		size /= 1024;
		unit += 1;
	}
	return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`;
}

/** A rate or a count with as many digits as say something: `0`, `0.42`, `12.3`, `1,234`. */
export function amount(number: number): string {
	if (number === 0) return "0";
	if (number < 1) return number.toFixed(2);
	if (number < 100) return String(Number(number.toFixed(1)));
	return Math.round(number).toLocaleString("en");
}

/** Milliseconds: `0.42 ms`, `12 ms`, `1.2 s`. */
export function milliseconds(time: number | undefined): string {
	if (time === undefined) return "–";
	if (time >= 1000) return `${amount(time / 1000)} s`;
	return `${time < 10 ? time.toFixed(time < 1 ? 2 : 1) : Math.round(time)} ms`;
}

/** One thing, two things. */
export const many = (count: number, one: string, several = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : several}`;

/** A value of a database's cell, as text. rivetkit sends blobs as lists of bytes. */
export function cell(value: unknown): string {
	if (value === null || value === undefined) return "NULL";
	if (Array.isArray(value) && value.every((byte) => Number.isInteger(byte) && byte >= 0 && byte < 256)) {
		const shown = value.slice(0, 24).map((byte: number) => byte.toString(16).padStart(2, "0"));
		return `x'${shown.join("")}${value.length > 24 ? "…" : ""}' (${bytes(value.length)})`;
	}
	return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Bytes as text where they are text, otherwise in hexadecimal. */
export function readable(base64: string): { text: string; isText: boolean } {
	const raw = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
	try {
		const text = new TextDecoder("utf-8", { fatal: true }).decode(raw);
		// Control characters other than white space say that it is no text.
		if (!/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.test(text)) return { text, isText: true };
	} catch {
		// No UTF-8.
	}
	return { text: [...raw].map((byte) => byte.toString(16).padStart(2, "0")).join(" "), isText: false };
}
