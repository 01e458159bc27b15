// pages.js -- the pages in the order of the navigation: adding one is a line
// here, a module beside it and a <div id="page-NAME"> in index.html.
//
// A page is {name, load(place, whole), draw(place), start(now, redraw)}: load
// asks (on every turn while the page is shown), draw shows what it has in the
// language of now, start is called once.  may(me), if there, says whether the
// page is in the navigation for this person.
import * as explorer from './explorer.js';
import * as overview from './overview.js';

export const pages = [overview, explorer];
