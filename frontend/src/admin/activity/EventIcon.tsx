import { IconActivity } from "@tabler/icons-react";
import { ToneIcon } from "~/ui/Chip";
import { toneOf } from "./sentence";

export function EventIcon({ action }: { action: string }) {
	const tone = toneOf(action);
	return tone === "plain" ? <IconActivity size={18} color="var(--gh-soft)" aria-hidden="true" /> : <ToneIcon tone={tone} size={18} />;
}
