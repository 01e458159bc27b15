// pages.js -- the pages in the order of the navigation: adding one is a line
// here and a module beside it.
//
// A page is {name, load(place, whole), draw(place), start(now, redraw)}: load
// asks (on every turn while the page is shown), draw shows what it has in the
// language of now, start is called once.  If there: may() says whether the page
// is in the navigation for this person, hidden that it never is, title(place)
// what it is called.  Its element is <div id="page-NAME">.
import * as audit from './log.js';
import * as breaking from './breaking.js';
import * as explorer from './explorer.js';
import * as filing from './filing.js';
import * as links from './links.js';
import * as login from './login.js';
import * as numbers from './numbers.js';
import * as object from './object.js';
import * as overview from './overview.js';
import * as packs from './packs.js';
import * as prefixes from './prefixes.js';
import * as returns from './returns.js';
import * as users from './users.js';

export const pages = [overview, numbers, explorer, returns, packs, prefixes,
  links, users, audit, breaking, login, object, filing];
