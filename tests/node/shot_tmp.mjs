import { chromium } from 'playwright-core';
const b = await chromium.launch({executablePath:'/usr/bin/chromium',args:['--no-sandbox','--disable-gpu','--disable-quic','--no-first-run','--disable-background-networking','--disable-component-update','--disable-sync']});
const p = await b.newPage({viewport:{width:1180,height:1000},locale:process.argv[4]||'en-US'});
p.on('console',m=>console.log('console',m.type(),m.text())); p.on('pageerror',e=>console.log('pageerror',e.message,e.stack)); p.on('requestfailed',r=>console.log('failed',r.url()));
await p.goto(process.argv[2]); await p.waitForTimeout(2500);
await p.screenshot({path:'/tmp/a.png',fullPage:true});
if (process.argv[3]!=='plain') { await p.click('#sums'); await p.waitForTimeout(1000); const btn=p.locator('[data-explain=cpu_share]'); if (await btn.count()) { await btn.focus(); await p.keyboard.press('Enter'); await p.waitForTimeout(1500);} await p.screenshot({path:'/tmp/b.png',fullPage:true});
await p.click('#language'); await p.waitForTimeout(500); await p.screenshot({path:'/tmp/c.png',fullPage:true}); }
await b.close();
