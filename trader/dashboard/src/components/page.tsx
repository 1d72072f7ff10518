import { useCallback, useEffect, useState } from "preact/hooks";
import { useStore } from "../store";
import { Agents } from "./agents";
import { Announcer } from "./announcer";
import { Asking, type Request } from "./asking";
import { Banners } from "./banners";
import { CommandDialog } from "./command_dialog";
import { EquityPanel } from "./equity_panel";
import { Fills } from "./fills";
import { FinalReport } from "./final_report";
import { Orders } from "./orders";
import { PageHeader } from "./page_header";
import { PortfolioStrip } from "./portfolio";
import { Positions } from "./positions";
import { PricePanel } from "./price_panel";
import { Policy, RiskLimits } from "./risk";
import { Rounds } from "./rounds";
import { System } from "./system";
import { WhyDialog } from "./why_dialog";

const TOAST_MILLIS = 8_000;

function Desk() {
  return (
    <>
      <FinalReport />
      <PortfolioStrip />
      <div class="columns">
        <div class="column column-main">
          <EquityPanel />
          <PricePanel />
          <Positions />
          <Orders />
          <Rounds />
        </div>
        <div class="column column-side">
          <RiskLimits />
          <Policy />
          <Agents />
          <Fills />
          <System />
        </div>
      </div>
    </>
  );
}

export function Page() {
  const [request, setRequest] = useState<Request | null>(null);
  const [toast, setToast] = useState("");
  const close = useCallback(() => setRequest(null), []);
  const connection = useStore((state) => state.connection.kind);
  // Without a status there is nothing to show but why there is none.
  const status = useStore((state) => state.status !== null);

  useEffect(() => {
    if (!toast) return;
    const timer = setTimeout(() => setToast(""), TOAST_MILLIS);
    return () => clearTimeout(timer);
  }, [toast]);

  return (
    <Asking.Provider value={setRequest}>
      <a class="skip" href="#main">
        Skip to the portfolio
      </a>
      <PageHeader />
      <main id="main" tabIndex={-1} class={connection === "Stale" ? "stale" : ""}>
        <Banners />
        {(status || connection === "Connecting") && <Desk />}
      </main>
      <footer class="page-footer quiet">
        <span>Times are event time in UTC unless marked otherwise.</span>
        <span>
          Charts by{" "}
          <a href="https://www.tradingview.com/" rel="noreferrer">
            TradingView Lightweight Charts™
          </a>{" "}
          © 2025 TradingView, Inc. · <a href="/assets/licenses.txt">Licences</a>
        </span>
      </footer>
      <p class="toast" role="status">
        {toast}
      </p>
      <Announcer />
      {request?.kind === "Why" && <WhyDialog id={request.id} onClose={close} />}
      {request && request.kind !== "Why" && (
        <CommandDialog request={request} onClose={close} onAccepted={setToast} />
      )}
    </Asking.Provider>
  );
}
