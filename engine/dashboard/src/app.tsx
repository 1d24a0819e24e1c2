// The frame around every page, and who gets to see it.
import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { SharedProvider } from "./context.ts";
import type { Engine } from "./engine/api.ts";
import { Navigation } from "./navigation.tsx";
import { ActorPage, ENGINE_PAGES, NAMESPACE_PAGES } from "./pages.ts";
import { SignInPage } from "./pages/sign-in.tsx";
import { Empty } from "./parts/trouble.tsx";
import { parse, type Route } from "./route.ts";
import { resume, signOut } from "./session.ts";

const DONE_MS = 4000;

export function App() {
	const [engine, setEngine] = useState(resume);
	const [notice, setNotice] = useState<string>();

	const leave = useCallback((why?: string) => {
		signOut();
		setNotice(why);
		setEngine(undefined);
	}, []);

	if (engine === undefined) return <SignInPage notice={notice} onSignedIn={setEngine} />;
	engine.onTokenRefused = () => leave("The token is not valid any more. Sign in again.");
	return <Frame engine={engine} onLeave={leave} />;
}

function Frame({ engine, onLeave }: { engine: Engine; onLeave: () => void }) {
	const route = useRoute();
	const [told, setTold] = useState("");

	const tell = useCallback((words: string) => setTold(words), []);
	useEffect(() => {
		if (told === "") return;
		const timer = setTimeout(() => setTold(""), DONE_MS);
		return () => clearTimeout(timer);
	}, [told]);
	const shared = useMemo(() => ({ engine, tell }), [engine, tell]);
	useSearchKey();

	return (
		<SharedProvider value={shared}>
			<a class="skip" href="#main" onClick={skip}>
				Skip to the page
			</a>
			<div class="frame">
				<Navigation engine={engine} route={route} onLeave={onLeave} />
				<main id="main" tabIndex={-1}>
					<Shown route={route} />
				</main>
			</div>
			<div class="told" role="status">
				{told !== "" && <p>{told}</p>}
			</div>
		</SharedProvider>
	);
}

function Shown({ route }: { route: Route }) {
	const title = titleOf(route);
	useEffect(() => {
		document.title = `${title} · rivet-engine`;
	}, [title]);

	if (!("namespace" in route)) {
		const found = ENGINE_PAGES.find(({ path }) => path === route.page);
		return found === undefined ? <Empty title="There is no such page." /> : <found.View key={found.path} />;
	}
	const { page, namespace, actorId, tab, filter } = route;
	// What is remembered of one namespace or actor is nothing to another.
	if (page === "actors" && actorId !== undefined) {
		return <ActorPage key={`${namespace}/${actorId}`} namespace={namespace} actorId={actorId} tab={tab ?? "overview"} />;
	}
	const found = NAMESPACE_PAGES.find(({ path }) => path === page);
	if (found === undefined) return <Empty title="There is no such page." />;
	return <found.View key={`${namespace}/${page}`} namespace={namespace} filter={filter} />;
}

function titleOf(route: Route): string {
	const pages = "namespace" in route ? NAMESPACE_PAGES : ENGINE_PAGES;
	const page = pages.find(({ path }) => path === route.page)?.title ?? "Nothing here";
	if (!("namespace" in route)) return page;
	return route.actorId === undefined ? `${page} of ${route.namespace}` : `Actor ${route.actorId.slice(0, 8)}`;
}

function useRoute(): Route {
	const [route, setRoute] = useState(() => parse(location.hash));
	useEffect(() => {
		const onChange = () => setRoute(parse(location.hash));
		addEventListener("hashchange", onChange);
		return () => removeEventListener("hashchange", onChange);
	}, []);
	return route;
}

/** The address belongs to the pages, so that the way to the main part is no address. */
function skip(event: Event) {
	event.preventDefault();
	document.getElementById("main")?.focus();
}

/** `/` leads to the search of the page, from anywhere but a field. */
function useSearchKey() {
	useEffect(() => {
		const onKey = (event: KeyboardEvent) => {
			const isTyping = event.target instanceof Element && event.target.closest("input, textarea, select, dialog") !== null;
			if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
			const search = document.querySelector<HTMLInputElement>("input[type=search]");
			if (search === null) return;
			event.preventDefault();
			search.focus();
			search.select();
		};
		addEventListener("keydown", onKey);
		return () => removeEventListener("keydown", onKey);
	}, []);
}
