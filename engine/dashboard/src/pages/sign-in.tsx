// The door: a token, which the engine has to take.
import { useState } from "preact/hooks";
import type { Engine } from "../engine/api.ts";
import { Refused } from "../engine/http.ts";
import { ThemeSwitch } from "../navigation.tsx";
import { Field } from "../parts/dialog.tsx";
import { Trouble } from "../parts/trouble.tsx";
import { signIn } from "../session.ts";

export function SignInPage({ notice, onSignedIn }: { notice: string | undefined; onSignedIn: (engine: Engine) => void }) {
	const [token, setToken] = useState("");
	const [error, setError] = useState<Error>();
	const [isBusy, setBusy] = useState(false);

	const submit = async (event: Event) => {
		event.preventDefault();
		setBusy(true);
		setError(undefined);
		try {
			onSignedIn(await signIn(token.trim()));
		} catch (error) {
			setError(error as Error);
			setBusy(false);
		}
	};

	return (
		<main class="door">
			<form onSubmit={submit}>
				<h1>
					<svg viewBox="0 0 32 32" aria-hidden="true">
						<rect width="32" height="32" rx="8" />
						<circle cx="16" cy="16" r="8.5" />
						<circle cx="16" cy="16" r="1.5" />
					</svg>
					rivet-engine
				</h1>
				{notice !== undefined && error === undefined && (
					<p class="notice" role="status">
						{notice}
					</p>
				)}
				<Field
					label="Token"
					hint={
						<>
							Of an install: <code>rivetctl token show NAME</code>. An engine that was started without a token takes none.
						</>
					}
				>
					<input
						type="password"
						name="token"
						autocomplete="off"
						spellcheck={false}
						autofocus
						value={token}
						onInput={(event) => setToken(event.currentTarget.value)}
					/>
				</Field>
				{error !== undefined && <SignInTrouble error={error} />}
				<button type="submit" class="primary" disabled={isBusy}>
					{isBusy ? "Asking the engine…" : "Sign in"}
				</button>
				<footer>
					<small class="muted">The token stays in this tab, and is forgotten with it.</small>
					<ThemeSwitch />
				</footer>
			</form>
		</main>
	);
}

function SignInTrouble({ error }: { error: Error }) {
	if (error instanceof Refused && error.isNotPermitted) {
		return (
			<p class="trouble" role="alert">
				This token is for calling actors. The dashboard takes admin and secret tokens.
			</p>
		);
	}
	if (!(error instanceof Refused && error.isTokenRefused)) return <Trouble error={error} />;
	return (
		<p class="trouble" role="alert">
			The engine does not take this token. It may have been rotated: ask for the present one.
		</p>
	);
}
