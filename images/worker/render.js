// For PhantomJS: render.js URL FILE opens a page, renders it, and prints what it found as JSON.
var system = require('system');
var page = require('webpage').create();

page.viewportSize = { width: 400, height: 200 };
page.settings.resourceTimeout = 5000;
page.open(system.args[1], function (status) {
  if (status !== 'success') {
    system.stderr.writeLine('the page did not open');
    phantom.exit(1);
    return;
  }
  // Text is for people; shapes are looked for in the picture.
  var text = page.evaluate(function () {
    return document.getElementById('made').textContent;
  });
  page.clipRect = { top: 0, left: 0, width: 400, height: 200 };
  page.render(system.args[2]);
  var version = [phantom.version.major, phantom.version.minor, phantom.version.patch].join('.');
  console.log(JSON.stringify({ title: page.title, text: text, phantomjs: version }));
  phantom.exit(0);
});
