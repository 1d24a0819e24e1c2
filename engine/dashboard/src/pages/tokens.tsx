// The tokens of a namespace: those that last, those that end, and the keys that sign these.
import { useMemo } from "preact/hooks";
import { useShared } from "../context.ts";
import { Tokens } from "../engine/tokens.ts";
import type { InNamespace } from "../pages.ts";
import { SigningKeys } from "./tokens/keys.tsx";
import { Lasting } from "./tokens/lasting.tsx";
import { Scoped } from "./tokens/scoped.tsx";

export function TokensPage({ namespace }: InNamespace) {
	const { engine } = useShared();
	const tokens = useMemo(() => new Tokens(engine, namespace), [engine, namespace]);
	return (
		<>
			<header class="page-head">
				<div>
					<h1>Tokens</h1>
					<p class="muted">Who may use this namespace, besides the admin. What is revoked opens nothing from then on.</p>
				</div>
			</header>
			<Lasting
				kind="public"
				tokens={tokens}
				title="Public tokens"
				words="They find and call actors, and may be in a browser."
				withheld="With this token the public tokens are not shown. Sign in with an admin or a secret token for them."
			/>
			<Lasting
				kind="secret"
				tokens={tokens}
				title="Secret tokens"
				words="They may do everything in this namespace: for servers, and apps that connect."
				withheld="With this token the secret tokens are not shown. Sign in with an admin token for them."
			/>
			<Scoped tokens={tokens} />
			<SigningKeys tokens={tokens} />
		</>
	);
}
