import { chromium } from "playwright-core";
const [,, url, out, w, h, scheme="dark", ...acts] = process.argv;
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync".split(" ") });
const page = await browser.newPage({ viewport: { width: +w, height: +h }, colorScheme: scheme });
page.on("console", m => console.log("console:", m.type(), m.text()));
page.on("pageerror", e => console.log("pageerror:", e.stack));
await page.goto(url); await page.waitForTimeout(2500);
for (const a of acts) { if (a.startsWith("wait")) await page.waitForTimeout(+a.slice(4)); else if (a.startsWith("hover:")) await page.hover(a.slice(6)); else if (a.startsWith("click:")) await page.click(a.slice(6)); else if (a.startsWith("move:")) { const [x,y]=a.slice(5).split(","); await page.mouse.move(+x,+y);} else await page.keyboard.press(a); }
console.log("scroll", await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight, innerWidth, innerHeight]));
await page.screenshot({ path: out, fullPage: +w < 700 }); await browser.close();
