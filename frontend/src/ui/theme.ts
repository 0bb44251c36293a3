import {
	type CSSVariablesResolver,
	createTheme,
	defaultVariantColorsResolver,
	type MantineColorsTuple,
	type MantineThemeOverride,
	type VariantColorsResolver,
} from "@mantine/core";

const teal: MantineColorsTuple = [
	"#e9f5f4",
	"#d2eae8",
	"#a6d8d4",
	"#7fd0c9",
	"#5cc4bd",
	"#2fa39c",
	"#17827c",
	"#0f6e6a",
	"#0b5f5c",
	"#073f3d",
];
const grey: MantineColorsTuple = [
	"#f4f7f7",
	"#ebf0f0",
	"#dfe7e6",
	"#cfdbda",
	"#aebfbd",
	"#879b99",
	"#637876",
	"#4d6463",
	"#2f4746",
	"#16302f",
];
const dark: MantineColorsTuple = [
	"#e4eeed",
	"#c2d2d0",
	"#a3b8b6",
	"#728785",
	"#3d5150",
	"#2b3d3b",
	"#1c2a29",
	"#131d1c",
	"#0f1716",
	"#0a100f",
];

const font = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif';
const mono = 'ui-monospace, "Cascadia Mono", "SF Mono", Menlo, Consolas, "Liberation Mono", monospace';

/** Text on the accent is white on its dark shade and dark on its light one; Mantine knows only one of the two. */
const variants: VariantColorsResolver = (input) => {
	const usual = defaultVariantColorsResolver(input);
	if (input.variant === "danger")
		return { ...usual, background: "#b42318", hover: "#8f1c13", color: "#fff", border: "1px solid transparent" };
	const accent = input.variant === "filled" && (input.color === undefined || input.color === "teal");
	if (!accent) return usual;
	return { ...usual, background: "var(--gh-accent)", hover: "var(--gh-accent-hover)", color: "var(--gh-on-accent)" };
};

const onAccent = { iconColor: "var(--gh-on-accent)" };

/** The theme of one of the two programs; only the size of the type differs. */
export function makeTheme(size: "admin" | "portal"): MantineThemeOverride {
	const admin = size === "admin";
	return createTheme({
		primaryColor: "teal",
		primaryShade: { light: 8, dark: 4 },
		variantColorResolver: variants,
		black: "#16302f",
		colors: { teal, gray: grey, dark },
		fontFamily: font,
		fontFamilyMonospace: mono,
		fontSizes: admin
			? { xs: "12px", sm: "13px", md: "14px", lg: "16px", xl: "18px" }
			: { xs: "13px", sm: "15px", md: "16px", lg: "18px", xl: "20px" },
		spacing: { xs: "8px", sm: "12px", md: "16px", lg: "24px", xl: "32px" },
		radius: { xs: "8px", sm: "8px", md: "8px", lg: "8px", xl: "8px" },
		defaultRadius: "md",
		shadows: { xs: "none", sm: "none", md: "none", lg: "none", xl: "none" },
		headings: {
			fontFamily: font,
			fontWeight: "600",
			sizes: {
				h1: { fontSize: admin ? "22px" : "26px", lineHeight: "1.3" },
				h2: { fontSize: admin ? "16px" : "19px", lineHeight: "1.4" },
				h3: { fontSize: admin ? "14px" : "16px", lineHeight: "1.4" },
			},
		},
		respectReducedMotion: true,
		cursorType: "pointer",
		focusRing: "auto",
		components: {
			Checkbox: { defaultProps: { radius: 4, ...onAccent } },
			Radio: { defaultProps: onAccent },
			Pagination: { vars: () => ({ root: { "--pagination-active-color": "var(--gh-on-accent)" } }) },
			Input: { styles: { input: { fontSize: "var(--mantine-font-size-md)" } } },
			InputWrapper: {
				styles: {
					label: { fontSize: "var(--mantine-font-size-md)" },
					description: { fontSize: "var(--mantine-font-size-sm)" },
					error: { fontSize: "var(--mantine-font-size-sm)" },
				},
			},
		},
	});
}

/** What Mantine's own variables need to pass AA beside our colours. */
export const variables: CSSVariablesResolver = () => ({
	variables: {},
	light: {
		"--mantine-color-dimmed": "#4d6463",
		"--mantine-color-placeholder": "#5a706f",
		"--mantine-color-error": "#b42318",
		"--mantine-color-anchor": "#0b5f5c",
		"--mantine-color-default-border": "#c3d0cf",
		"--gh-ground": "#f4f7f7",
		"--gh-panel": "#ffffff",
		"--gh-line": "#d5dfde",
		"--gh-hover": "#eef4f3",
		"--gh-current": "#dcedeb",
		"--gh-text": "#16302f",
		"--gh-soft": "#4d6463",
		"--gh-accent": "#0b5f5c",
		"--gh-accent-hover": "#084d4a",
		"--gh-on-accent": "#ffffff",
		"--gh-good": "#14693a",
		"--gh-good-ground": "#e3f4ea",
		"--gh-notice": "#1d5691",
		"--gh-notice-ground": "#e5f0fb",
		"--gh-warning": "#875100",
		"--gh-warning-ground": "#fdf1dc",
		"--gh-danger": "#b42318",
		"--gh-danger-ground": "#fdeceb",
	},
	dark: {
		"--mantine-color-body": "#0f1716",
		"--mantine-color-dimmed": "#a3b8b6",
		"--mantine-color-placeholder": "#8fa5a3",
		"--mantine-color-error": "#ff9a90",
		"--mantine-color-anchor": "#7fd0c9",
		"--mantine-color-default": "#131d1c",
		"--mantine-color-default-border": "#3d5150",
		"--gh-ground": "#0f1716",
		"--gh-panel": "#141f1e",
		"--gh-line": "#2b3d3b",
		"--gh-hover": "#1c2a29",
		"--gh-current": "#1d3634",
		"--gh-text": "#e4eeed",
		"--gh-soft": "#a3b8b6",
		"--gh-accent": "#5cc4bd",
		"--gh-accent-hover": "#74d0c9",
		"--gh-on-accent": "#06201e",
		"--gh-good": "#7bd6a0",
		"--gh-good-ground": "#12301f",
		"--gh-notice": "#93c4f5",
		"--gh-notice-ground": "#14283c",
		"--gh-warning": "#f2c070",
		"--gh-warning-ground": "#35270e",
		"--gh-danger": "#ff9a90",
		"--gh-danger-ground": "#3a1a17",
	},
});
