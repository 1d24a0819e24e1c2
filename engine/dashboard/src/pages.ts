// The pages there are. A new one is a component and a line here.
import type { ComponentType } from "preact";
import { ActorPage } from "./pages/actor.tsx";
import { ActorsPage } from "./pages/actors.tsx";
import { EnvoysPage } from "./pages/envoys.tsx";
import { NamespacesPage } from "./pages/namespaces.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { PoolsPage } from "./pages/pools.tsx";
import type { IconName } from "./parts/icon.tsx";

/** What a page of a namespace is given. */
export interface InNamespace {
	namespace: string;
	/** The filter in the address. */
	filter: Record<string, string>;
}

export interface Page {
	/** Its part of the address. */
	path: string;
	title: string;
	icon: IconName;
	View: ComponentType<InNamespace>;
}

/** In the order of the navigation. */
export const NAMESPACE_PAGES: readonly Page[] = [
	{ path: "overview", title: "Overview", icon: "overview", View: OverviewPage },
	{ path: "actors", title: "Actors", icon: "actors", View: ActorsPage },
	{ path: "envoys", title: "Envoys", icon: "envoys", View: EnvoysPage },
	{ path: "pools", title: "Pools", icon: "pools", View: PoolsPage },
];

export { ActorPage, NamespacesPage };
