import { Button, FileButton, Group, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { send } from "~/api/client";
import { useChange } from "~/api/query";
import type { Application } from "~/api/schema.gen";
import { t } from "~/text/text";
import { Face } from "~/ui/Face";
import { complain, told } from "~/ui/notices";
import { Section } from "../frame/Page";

/** The picture of an application: a file of one's own, or an address. */
export function Icon({ application }: { application: Application }) {
	const path = `/core/applications/${encodeURIComponent(application.slug)}`;
	const [url, setUrl] = useState("");
	const done = () => told(t("forms.saved"));
	const upload = useChange((file: File) => {
		const form = new FormData();
		form.append("file", file);
		return send("POST", `${path}/set_icon/`, form);
	}, done);
	const setFrom = useChange(
		(address: string) => send("POST", `${path}/set_icon_url/`, { url: address }),
		() => {
			setUrl("");
			done();
		},
	);
	const clear = useChange(() => {
		const form = new FormData();
		form.append("clear", "true");
		return send("POST", `${path}/set_icon/`, form);
	}, done);
	function submit(event: FormEvent) {
		event.preventDefault();
		if (url) setFrom.mutate(url, { onError: complain });
	}
	return (
		<Section title={t("apps.icon")} text={t("apps.iconText")}>
			<Group gap="md" align="flex-end">
				<Face key={application.meta_icon} name={application.name} src={application.meta_icon} size={56} square />
				<FileButton
					accept="image/png,image/jpeg,image/webp,image/svg+xml"
					onChange={(file) => file && upload.mutate(file, { onError: complain })}
				>
					{(props) => (
						<Button {...props} variant="default" loading={upload.isPending}>
							{t("apps.iconUpload")}
						</Button>
					)}
				</FileButton>
				{application.meta_icon && (
					<Button variant="default" onClick={() => clear.mutate(undefined, { onError: complain })} loading={clear.isPending}>
						{t("apps.iconRemove")}
					</Button>
				)}
				<form onSubmit={submit} style={{ flex: "1 1 260px" }}>
					<Group gap="xs" align="flex-end" wrap="nowrap">
						<TextInput flex={1} label={t("apps.iconUrl")} type="url" value={url} onChange={(event) => setUrl(event.currentTarget.value)} />
						<Button type="submit" variant="default" disabled={!url} loading={setFrom.isPending}>
							{t("apps.iconUse")}
						</Button>
					</Group>
				</form>
			</Group>
		</Section>
	);
}
