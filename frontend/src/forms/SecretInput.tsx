import { Group, PasswordInput } from "@mantine/core";
import { useState } from "react";
import { t } from "~/text/text";
import { CopyButton } from "~/ui/Copy";

type Props = {
	id: string;
	label: string;
	description?: string;
	error?: string;
	required: boolean;
	value: string;
	onChange: (value: string) => void;
	existing: boolean;
};

/** A secret: hidden until asked for, with a copy button. */
export function SecretInput({ value, onChange, existing, label, ...rest }: Props) {
	const [shown, setShown] = useState(false);
	return (
		<Group gap="xs" align="flex-end" wrap="nowrap">
			<PasswordInput
				{...rest}
				label={label}
				flex={1}
				value={value}
				visible={shown}
				onVisibilityChange={setShown}
				autoComplete="off"
				spellCheck={false}
				placeholder={existing && value === "" ? t("forms.secretHidden") : undefined}
				visibilityToggleButtonProps={{
					"aria-label": t(shown ? "common.secret.hideOf" : "common.secret.showOf", { what: label }),
					tabIndex: 0,
				}}
				onChange={(event) => onChange(event.currentTarget.value)}
			/>
			{value !== "" && <CopyButton value={value} label={label} />}
		</Group>
	);
}
