// Who is signed in: a token that lives as long as the tab.
import { Engine } from "./engine/api.ts";

const KEY = "rivet-engine-token";

/** The session of this tab, when it has one. */
export function resume(): Engine | undefined {
	const token = sessionStorage.getItem(KEY);
	return token === null ? undefined : new Engine(token);
}

/** Signs in with a token, once the engine has taken it. An engine that asks for none takes the empty one. */
export async function signIn(token: string): Promise<Engine> {
	const engine = new Engine(token);
	await engine.namespaces();
	sessionStorage.setItem(KEY, token);
	return engine;
}

export function signOut(): void {
	sessionStorage.removeItem(KEY);
}
