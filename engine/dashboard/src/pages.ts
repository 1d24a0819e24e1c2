// The pages there are. A new one is a component and a line here.
import type { ComponentType } from "preact";
import { ActorPage } from "./pages/actor.tsx";
import { ActorsPage } from "./pages/actors.tsx";
import { AuditPage } from "./pages/audit.tsx";
import { EnvoysPage } from "./pages/envoys.tsx";
import { NamespacesPage } from "./pages/namespaces.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { PoolsPage } from "./pages/pools.tsx";
import { StoragePage } from "./pages/storage.tsx";
import { TokensPage } from "./pages/tokens.tsx";
import type { IconName } from "./parts/icon.tsx";

/** What a page of a namespace is given. */
export interface InNamespace {
	namespace: string;
	/** The filter in the address. */
	filter: Record<string, string>;
}

/** A page, which is given `Given`. */
export interface Page<Given> {
	/** Its part of the address. */
	path: string;
	title: string;
	icon: IconName;
	View: ComponentType<Given>;
}

/** In the order of the navigation. */
export const NAMESPACE_PAGES: readonly Page<InNamespace>[] = [
	{ path: "overview", title: "Overview", icon: "overview", View: OverviewPage },
	{ path: "actors", title: "Actors", icon: "actors", View: ActorsPage },
	{ path: "envoys", title: "Envoys", icon: "envoys", View: EnvoysPage },
	{ path: "pools", title: "Pools", icon: "pools", View: PoolsPage },
	{ path: "tokens", title: "Tokens", icon: "tokens", View: TokensPage },
];

/** Pages of the whole engine, beside those of namespaces. Their paths are known to `route.ts`, too. */
export const ENGINE_PAGES: readonly Page<object>[] = [
	{ path: "namespaces", title: "Namespaces", icon: "namespaces", View: NamespacesPage },
	{ path: "storage", title: "Storage and backup", icon: "storage", View: StoragePage },
	{ path: "audit", title: "Audit log", icon: "audit", View: AuditPage },
];

export { ActorPage };
