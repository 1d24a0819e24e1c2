// Line icons on a grid of 16. They say nothing that words beside them do not say.

const PATHS = {
	overview: "M2.5 13.5v-5M6.2 13.5v-11M9.8 13.5v-7M13.5 13.5v-9",
	actors: "M8 2.2l5.2 3v5.6L8 13.8l-5.2-3V5.2zM2.8 5.2L8 8.2l5.2-3M8 8.2v5.6",
	envoys: "M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.01M5 11h.01",
	pools: "M8 2.5c3 0 5.5.9 5.5 2S11 6.5 8 6.5s-5.5-.9-5.5-2 2.5-2 5.5-2zM2.5 4.5v7c0 1.1 2.5 2 5.5 2s5.5-.9 5.5-2v-7M2.5 8c0 1.1 2.5 2 5.5 2s5.5-.9 5.5-2",
	namespaces: "M2.5 2.5h4.5v4.5H2.5zM9 2.5h4.5v4.5H9zM2.5 9h4.5v4.5H2.5zM9 9h4.5v4.5H9z",
	tokens: "M5.5 6.5a3 3 0 110 6 3 3 0 010-6zM7.7 7.4l5.3-5.3M10.5 4.6l2.2 2.2M12.2 2.9l1.6 1.6",
	storage: "M2.5 3.5h11v9h-11zM2.5 9.5h11M11 11.5h.01M8 5v2.5M6.6 6.4L8 7.8l1.4-1.4",
	audit: "M3.5 1.8h9v12.4h-9zM5.8 5h4.4M5.8 8h4.4M5.8 11h2.4",
	sun: "M8 5.2a2.8 2.8 0 110 5.6 2.8 2.8 0 010-5.6zM8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M3.4 12.6l.7-.7M11.9 4.1l.7-.7",
	moon: "M13 9.6A5.5 5.5 0 116.4 3a4.4 4.4 0 006.6 6.6z",
	out: "M6.5 2.5h-4v11h4M10 5l3 3-3 3M13 8H6",
	copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
	done: "M3 8.5l3.2 3L13 4.8",
	refresh: "M13 8a5 5 0 11-1.5-3.6M13 2.5v3h-3",
	plus: "M8 3v10M3 8h10",
	close: "M4 4l8 8M12 4l-8 8",
	more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
	warning: "M8 2.2l6.2 11H1.8zM8 6.5v3M8 11.4h.01",
	play: "M5 3.2l7.5 4.8L5 12.8z",
	search: "M7 2.5a4.5 4.5 0 110 9 4.5 4.5 0 010-9zM10.4 10.4l3.1 3.1",
} as const;

export type IconName = keyof typeof PATHS;

export const Icon = ({ name }: { name: IconName }) => (
	<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
		<path d={PATHS[name]} />
	</svg>
);
