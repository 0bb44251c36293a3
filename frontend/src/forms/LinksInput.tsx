import { Button, Group, Input, Stack, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { t } from "~/text/text";
import { IconButton } from "~/ui/IconButton";

export type NamedLink = { name: string; href: string };

type Props = {
	id: string;
	label: string;
	description?: string;
	error?: string;
	required: boolean;
	value: NamedLink[];
	onChange: (value: NamedLink[]) => void;
};

/** Links with a name and an address. */
export function LinksInput({ id, label, description, error, required, value, onChange }: Props) {
	const change = (at: number, part: Partial<NamedLink>) =>
		onChange(value.map((link, index) => (index === at ? { ...link, ...part } : link)));
	return (
		<Input.Wrapper label={label} labelElement="div" description={description} error={error} required={required}>
			<Stack gap="xs" mt={4}>
				{value.map((link, index) => (
					// biome-ignore lint/suspicious/noArrayIndexKey: the place is all that tells one link from another while both are being typed
					<Group key={index} gap="xs" wrap="nowrap">
						<TextInput
							flex={1}
							aria-label={t("forms.linkName", { number: index + 1 })}
							placeholder={t("forms.linkNamePlaceholder")}
							value={link.name}
							onChange={(event) => change(index, { name: event.currentTarget.value })}
						/>
						<TextInput
							flex={2}
							aria-label={t("forms.linkAddress", { number: index + 1 })}
							placeholder="https://"
							type="url"
							value={link.href}
							onChange={(event) => change(index, { href: event.currentTarget.value })}
						/>
						<IconButton
							aria-label={t("forms.linkRemove", { number: index + 1 })}
							onClick={() => onChange(value.filter((_link, at) => at !== index))}
						>
							<IconTrash size={16} />
						</IconButton>
					</Group>
				))}
				<div>
					<Button
						id={id}
						variant="default"
						leftSection={<IconPlus size={16} />}
						onClick={() => onChange([...value, { name: "", href: "" }])}
					>
						{t("forms.linkAdd")}
					</Button>
				</div>
			</Stack>
		</Input.Wrapper>
	);
}
