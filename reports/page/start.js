// Everything is set up once; from then on only the view changes.

later(tellDisagreements);
setUpStrip();
setUpCard();
setUpBlocks();
setUpFilters();
setUpMatrix();
setUpWho();
setUpSites();
setUpFlame();
setUpEvents();
setUpSave();
addEventListener("hashchange", follow);
watchSight();
show(viewOf(location.hash));
