import { Button } from "@mantine/core";
import { go } from "./To";

/** A link of the server's: a hash route of these pages. */
export function LinkTo({ link, label, about }: { link: string; label: string; about: string }) {
	const to = link.replace(/^(\/if\/admin\/)?#?/, "");
	return (
		<Button
			component="a"
			href={`#${to}`}
			size="compact-sm"
			variant="default"
			aria-label={`${label}: ${about}`}
			onClick={(event) => {
				event.preventDefault();
				go(to);
			}}
		>
			{label}
		</Button>
	);
}
