import { render } from "preact";
import "./styles/tokens.css";
import "./styles/page.css";
import "./styles/panels.css";
import { Page } from "./components/page";
import { follow } from "./live";
import { adoptTokenFromAddress } from "./session";
import { dispatch, getState } from "./store";
import { applyTheme } from "./theme";

applyTheme();
adoptTokenFromAddress();
const page = document.getElementById("page");
if (page) render(<Page />, page);
void follow({ getState, dispatch }, new AbortController().signal);
