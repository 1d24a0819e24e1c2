import { render } from "preact";
import { App } from "./app.tsx";
import * as theme from "./theme.ts";

// Before the first picture, so that nothing flickers.
theme.start();

document.addEventListener("DOMContentLoaded", () => {
	const root = document.getElementById("app");
	if (root !== null) render(<App />, root);
});
