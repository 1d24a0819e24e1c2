// Light or dark: what the system says, until somebody chooses. The style reads it from `data-theme`.

export type Theme = "light" | "dark";
const KEY = "rivet-engine-theme";
const system = matchMedia("(prefers-color-scheme: dark)");

export function theme(): Theme {
	const chosen = localStorage.getItem(KEY);
	if (chosen === "light" || chosen === "dark") return chosen;
	return system.matches ? "dark" : "light";
}

/** Tells `listener` when the theme changes; what is answered ends that. */
export function watch(listener: (theme: Theme) => void): () => void {
	const onChange = () => listener(theme());
	system.addEventListener("change", onChange);
	return () => system.removeEventListener("change", onChange);
}

export function choose(theme: Theme): void {
	localStorage.setItem(KEY, theme);
	show();
}

export function show(): void {
	document.documentElement.dataset["theme"] = theme();
}

/** Shows the theme, now and whenever the system changes its mind. */
export function start(): void {
	show();
	system.addEventListener("change", show);
}
