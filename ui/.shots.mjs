import { chromium } from 'playwright-core';
const id='01a21d6c-2882-7042-9146-937f423adf97';
const b = await chromium.launch({executablePath:'/usr/bin/chromium', args:['--no-sandbox']});
for (const [name,w,h,scheme,locale] of [['wide',1440,900,'light','en'],['phone',390,844,'dark','zh-CN']]) {
  const c = await b.newContext({viewport:{width:w,height:h},colorScheme:scheme,locale});
  const p = await c.newPage();
  await p.goto('http://127.0.0.1:8391/login');
  await p.fill('input[name=name]','kim'); await p.fill('input[name=password]','demo-KIM-12345');
  await p.click('button[type=submit]:not([formaction])');
  await p.waitForLoadState('networkidle');
  for (const [n,path] of [['record','/c/device/'+id],['history','/c/device/'+id+'/history'],['filter','/c/device/filter'],['editor','/c/device/filter?field=name'],['palette','/palette?q=balance'],['scripts','/studio/scripts']]) {
    await p.goto('http://127.0.0.1:8391'+path); await p.waitForLoadState('networkidle');
    await p.screenshot({path:'/tmp/rest2_shots/'+n+'-'+name+'.png'});
  }
  if (name==='wide') {
    await p.goto('http://127.0.0.1:8391/c/device/'+id); await p.waitForLoadState('networkidle');
    await p.click('button[hx-post$="/actions/check"]'); await p.waitForTimeout(1200);
    await p.screenshot({path:'/tmp/rest2_shots/pressed.png'});
    await p.goto('http://127.0.0.1:8391/c/device'); await p.waitForLoadState('networkidle');
    await p.click('#grid tr.rec input[type=checkbox]'); await p.waitForTimeout(400);
    await p.screenshot({path:'/tmp/rest2_shots/list.png'});
    await p.click('[data-do=bulk-act]'); await p.waitForTimeout(1500);
    await p.screenshot({path:'/tmp/rest2_shots/listdone.png'});
    await p.goto('http://127.0.0.1:8391/c/device/filter?field=name'); await p.fill('[name=value]','Old'); await p.click('.filter-form button[type=submit]'); await p.waitForLoadState('networkidle'); console.log(p.url());
    await p.goto('http://127.0.0.1:8391/c/device/filter'); await p.click('.mi >> nth=1'); await p.waitForTimeout(800); await p.screenshot({path:'/tmp/rest2_shots/filterclick.png'});
  }
  await c.close();
}
await b.close();
