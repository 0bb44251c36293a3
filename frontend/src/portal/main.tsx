import "@mantine/core/styles/baseline.css";
import "@mantine/core/styles/default-css-variables.css";
import "@mantine/core/styles/global.css";
import "@mantine/core/styles/UnstyledButton.css";
import "@mantine/core/styles/ActionIcon.css";
import "@mantine/core/styles/Button.css";
import "@mantine/core/styles/CloseButton.css";
import "@mantine/core/styles/Input.css";
import "@mantine/core/styles/InlineInput.css";
import "@mantine/core/styles/Loader.css";
import "@mantine/core/styles/ModalBase.css";
import "@mantine/core/styles/Modal.css";
import "@mantine/core/styles/Overlay.css";
import "@mantine/core/styles/Paper.css";
import "@mantine/core/styles/ScrollArea.css";
import "@mantine/core/styles/SegmentedControl.css";
import "@mantine/core/styles/FloatingIndicator.css";
import "@mantine/core/styles/Group.css";
import "@mantine/core/styles/Stack.css";
import "@mantine/core/styles/Skeleton.css";
import "@mantine/core/styles/VisuallyHidden.css";
import "~/ui/base.css";
import { MantineProvider } from "@mantine/core";
import english from "@text/portal.json";
import { QueryClientProvider } from "@tanstack/react-query";
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
			<MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto" colorSchemeManager={schemes}>
				<QueryClientProvider client={queryClient}>{content}</QueryClientProvider>
			</MantineProvider>
		</StrictMode>,
	);
}

const start = await boot(["portal"], () => show(<Closed reason="window" />));
if (start.me) show(<Portal session={start.me} />);
else if (start.problem === "closed") show(<Closed reason="window" />);
else if (start.problem === "unreachable") show(<Closed reason="unreachable" />);
