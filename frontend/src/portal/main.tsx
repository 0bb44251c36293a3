import "@mantine/core/styles/baseline.layer.css";
import "@mantine/core/styles/global.layer.css";
import "@mantine/core/styles/UnstyledButton.layer.css";
import "@mantine/core/styles/Button.layer.css";
import "@mantine/core/styles/CloseButton.layer.css";
import "@mantine/core/styles/Input.layer.css";
import "@mantine/core/styles/InlineInput.layer.css";
import "@mantine/core/styles/Loader.layer.css";
import "@mantine/core/styles/Group.layer.css";
import "@mantine/core/styles/Stack.layer.css";
import "@mantine/core/styles/Skeleton.layer.css";
import "@mantine/core/styles/VisuallyHidden.layer.css";
import "~/ui/base.css";
import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import english from "@text/portal.json";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { queryClient } from "~/api/query";
import { boot } from "~/lib/boot";
import { setEnglish } from "~/text/text";
import { schemes } from "~/ui/scheme";
import { makeTheme, variables } from "~/ui/theme";
import { Closed } from "./Closed";
import { Portal } from "./Portal";

setEnglish(english);

const root = createRoot(document.getElementById("app") as HTMLElement);
const theme = makeTheme("portal");

function show(content: React.ReactNode) {
	root.render(
		<StrictMode>
			<MantineProvider
				theme={theme}
				cssVariablesResolver={variables}
				deduplicateCssVariables={false}
				defaultColorScheme="auto"
				colorSchemeManager={schemes}
			>
				<QueryClientProvider client={queryClient}>{content}</QueryClientProvider>
			</MantineProvider>
		</StrictMode>,
	);
}

const start = await boot(["portal", "account"], () => show(<Closed reason="window" />));
if (start.me) show(<Portal session={start.me} />);
else if (start.problem === "closed") show(<Closed reason="window" />);
else if (start.problem === "unreachable") show(<Closed reason="unreachable" />);
