// The way between pages: the namespace, its pages, and what is beside them.
import { useEffect, useState } from "preact/hooks";
import type { Engine } from "./engine/api.ts";
import { ENGINE_PAGES, NAMESPACE_PAGES } from "./pages.ts";
import { Icon } from "./parts/icon.tsx";
import { usePoll } from "./parts/poll.ts";
import { href, type Route } from "./route.ts";
import { choose, theme, watch } from "./theme.ts";

interface Props {
	engine: Engine;
	route: Route;
	onLeave: () => void;
}

export function Navigation({ engine, route, onLeave }: Props) {
	const namespace = "namespace" in route ? route.namespace : undefined;
	// Again with every namespace that one goes to: it may be new.
	const { data } = usePoll(["namespaces", namespace], engine.namespaces);
	const { data: build } = usePoll(["metadata"], engine.metadata);
	const known = (data?.namespaces ?? []).map(({ name }) => name);
	const names = namespace === undefined || known.includes(namespace) ? known : [namespace, ...known];

	const onChoose = (event: Event) => {
		const chosen = (event.target as HTMLSelectElement).value;
		const page = "namespace" in route ? route.page : "overview";
		if (chosen !== "") location.hash = href(chosen, page);
	};

	return (
		<nav class="navigation" aria-label="Pages">
			<a class="brand" href="#/namespaces">
				<svg viewBox="0 0 32 32" aria-hidden="true">
					<rect width="32" height="32" rx="8" />
					<circle cx="16" cy="16" r="8.5" />
					<circle cx="16" cy="16" r="1.5" />
				</svg>
				rivet-engine
			</a>
			<select class="namespace-choice" aria-label="Namespace" value={namespace ?? ""} onChange={onChoose}>
				{namespace === undefined && <option value="">Choose a namespace</option>}
				{names.map((name) => (
					<option key={name} value={name}>
						{name}
					</option>
				))}
			</select>
			<ul>
				{namespace !== undefined &&
					NAMESPACE_PAGES.map(({ path, title, icon }) => (
						<li key={path}>
							<a href={href(namespace, path)} aria-current={isAt(route, path) ? "page" : undefined}>
								<Icon name={icon} />
								{title}
							</a>
						</li>
					))}
				{ENGINE_PAGES.map(({ path, title, icon }) => (
					<li key={path}>
						<a href={`#/${path}`} aria-current={namespace === undefined && route.page === path ? "page" : undefined}>
							<Icon name={icon} />
							{title}
						</a>
					</li>
				))}
			</ul>
			<div class="navigation-end">
				<ThemeSwitch />
				<button type="button" class="bare" onClick={() => onLeave()} aria-label="Sign out" title="Sign out">
					<Icon name="out" />
				</button>
				<span class="build muted" title={build?.git_sha}>
					{build === undefined ? "" : build.version}
				</span>
			</div>
		</nav>
	);
}

const isAt = (route: Route, path: string) => "namespace" in route && route.page === path;

export function ThemeSwitch() {
	const [shown, setShown] = useState(theme);
	useEffect(() => watch(setShown), []);
	const other = shown === "dark" ? "light" : "dark";
	const onClick = () => {
		choose(other);
		setShown(other);
	};
	return (
		<button type="button" class="bare" onClick={onClick} aria-label={`Use the ${other} theme`} title={`Use the ${other} theme`}>
			<Icon name={other === "dark" ? "moon" : "sun"} />
		</button>
	);
}
