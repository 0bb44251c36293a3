import { useMantineColorScheme } from "@mantine/core";
import { IconDeviceDesktop, IconMoon, IconSun } from "@tabler/icons-react";
import { t } from "~/text/text";
import classes from "./SchemeSwitch.module.css";

const choices = [
	{ value: "light", icon: IconSun },
	{ value: "dark", icon: IconMoon },
	{ value: "auto", icon: IconDeviceDesktop },
] as const;

/** Light, dark, or as the system. */
export function SchemeSwitch() {
	const { colorScheme, setColorScheme } = useMantineColorScheme();
	return (
		<fieldset className={classes.choices}>
			<legend className="gh-visually-hidden">{t("common.scheme.label")}</legend>
			{choices.map(({ value, icon: Icon }) => (
				<label key={value} className={classes.choice} title={t(`common.scheme.${value}`)}>
					<input type="radio" name="scheme" value={value} checked={colorScheme === value} onChange={() => setColorScheme(value)} />
					<Icon size={16} aria-hidden="true" />
					<span className="gh-visually-hidden">{t(`common.scheme.${value}`)}</span>
				</label>
			))}
		</fieldset>
	);
}
