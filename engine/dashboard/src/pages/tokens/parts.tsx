// What the sections of the page are made of.
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { Field } from "../../parts/dialog.tsx";
import { Icon } from "../../parts/icon.tsx";
import { CopyId } from "../../parts/small.tsx";

interface SectionProps {
	title: string;
	words: string;
	tools?: ComponentChildren;
	children: ComponentChildren;
}

export function Section({ title, words, tools, children }: SectionProps) {
	const id = useId();
	return (
		<section class="panel" aria-labelledby={id}>
			<div class="panel-head">
				<div>
					<h2 id={id}>{title}</h2>
					<p class="muted">{words}</p>
				</div>
				{tools !== undefined && <div class="actions">{tools}</div>}
			</div>
			{children}
		</section>
	);
}

export const NewButton = ({ children, onClick }: { children: string; onClick: () => void }) => (
	<button type="button" onClick={onClick}>
		<Icon name="plus" />
		{children}
	</button>
);

interface ShownOnceProps {
	token: string;
	title: string;
	onDone: () => void;
	/** What else there is to know of it. */
	children?: ComponentChildren;
}

/** A token that was just made. It is kept nowhere, and goes with the page. */
export const ShownOnce = ({ token, title, onDone, children }: ShownOnceProps) => (
	<div class="notice shown-once" role="group" aria-label={title}>
		<strong>{title}</strong>
		<CopyId id={token} what="the token" />
		{children}
		<p>Copy it now: it is not shown again.</p>
		<button type="button" onClick={onDone}>
			I have it
		</button>
	</div>
);

/** A question that only its own words answer, so that nobody takes away what they did not mean. */
export function Naming({ words }: { words: string }) {
	// Every character by its number: none of them means anything else in a pattern.
	const pattern = [...words].map((char) => `\\u{${char.codePointAt(0)?.toString(16)}}`).join("");
	return (
		<Field
			label="Which one?"
			hint={
				<>
					Write <code>{words}</code> to say that you mean it.
				</>
			}
		>
			<input required pattern={pattern} title={`Write ${words}`} autocomplete="off" spellcheck={false} />
		</Field>
	);
}
