// A table that scrolls by itself where the screen is narrow.
import type { ComponentChildren } from "preact";

interface Column {
	label: string;
	/** `wide`: only where there is room. `end`: numbers, to the right. */
	kind?: "wide" | "end";
}

export function Table({ label, columns, children }: { label: string; columns: (Column | string)[]; children: ComponentChildren }) {
	return (
		<div class="table-frame" role="region" aria-label={label} tabIndex={0}>
			<table>
				<thead>
					<tr>
						{columns.map((column) => {
							const { label, kind } = typeof column === "string" ? { label: column, kind: undefined } : column;
							return (
								<th key={label} scope="col" class={kind}>
									{label}
								</th>
							);
						})}
					</tr>
				</thead>
				<tbody>{children}</tbody>
			</table>
		</div>
	);
}
