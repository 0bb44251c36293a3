import { t } from "~/text/text";
import { Chip } from "~/ui/Chip";

/** Whether our own tests install the application and sign in to it. */
export const Tried = ({ tried }: { tried: boolean }) => (
	<Chip tone={tried ? "good" : "notice"}>{t(tried ? "catalog.tried" : "catalog.untried")}</Chip>
);
