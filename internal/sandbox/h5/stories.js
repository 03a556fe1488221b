/* What happens in real life, told as it is: by what came of dd.config. ES5. */
(function () {
  'use strict';

  // The sidecar fetches a ticket that was refused again at most once a minute. All tabs know since when.
  var minute = 61;
  function secondsLeft() { return Math.ceil(minute - (Date.now() - (localStorage.expired || 0)) / 1000); }

  window.demoStories = function (say, page) {
    var app = page.app, sidecar = page.sidecar, outcome = '', clock = 0;

    function story() {
      if (sidecar && sidecar.error) { return unsigned(); }
      if (outcome === 'dead ticket') { return deadTicket(); }
      switch (app.mistake) {
      case 'scheme': return scheme();
      case 'port': return port();
      case 'ticket': return ticket();
      }
      return sidecar ? corrected() : alone();
    }

    function scheme() {
      var flipped = location.protocol !== 'https:';
      return ['TLS 在 nginx 或 SLB 上终止，又没有转发 X-Forwarded-Proto：应用以为自己在用 http，签出来的 URL 协议不对。' +
        (flipped ? '（本演示站是 http，所以这里反过来签成了 https，一样失败。）' : ''),
        'TLS ends at nginx or an SLB that does not pass on X-Forwarded-Proto: the app believes it is on http, and signs a URL with the wrong scheme.' +
        (flipped ? ' (This demo runs on http, so here it is the other way round. It fails just the same.)' : '')];
    }

    function port() {
      return ['nginx 写了 <code>proxy_set_header Host $host</code>，<code>$host</code> 不含端口，应用签的 URL 就丢了端口（应写 <code>$http_host</code>）。也有应用把自己监听的端口写了进去。',
        'nginx says <code>proxy_set_header Host $host</code>, and <code>$host</code> has no port, so the signed URL lacks it (<code>$http_host</code> has it). Other apps put in the port that they listen on.'];
    }

    function ticket() {
      return ['另一个系统用同一个 AppKey 取 ticket，缓存里的那个就失效了：下一个页面加载失败，把 52013 报告给 sidecar；sidecar 重新获取 ticket（每分钟最多一次），页面自己刷新一次。现在这个页面已经好了。',
        'When a second system fetches the ticket of the same AppKey, the cached one dies: the next page fails and reports the 52013, the sidecar fetches the ticket again (at most once a minute), and the page reloads itself, once. By now this page is right.'];
    }

    function deadTicket() {
      var left = secondsLeft();
      var ticket = ['ticket 失效了：另一个系统取了新的。', 'The ticket is dead: a second system has fetched a newer one. '];
      return left > 0
        ? [ticket[0] + 'sidecar 每分钟最多重新获取一次，' + left + ' 秒后刷新本页就好。',
          ticket[1] + 'The sidecar fetches it again at most once a minute: reload this page in ' + left + ' seconds.']
        : [ticket[0] + 'sidecar 会重新获取：请刷新本页。', ticket[1] + 'The sidecar fetches it again: reload this page.'];
    }

    function unsigned() {
      return ['sidecar 现在给不出签名，页面用的是后端签的参数：见上面的 ' + sidecar.error.code + '。',
        'The sidecar has no signature to give, so the backend\'s own parameters went out: see ' + sidecar.error.code + ' above.'];
    }

    function corrected() {
      return ['后端仍然签了它自己看到的 URL（' + seenScheme() + '），但 sidecar 在 dd.config 发出之前换上了正确的参数。应用一行代码都不用改。',
        'The backend still signed the URL that it sees (' + seenScheme() + '), but the sidecar put the right parameters into the dd.config call. The app needs no change.'];
    }

    function alone() {
      return ['这个页面前面没有 sidecar，用的是后端签的参数：后端看到的协议是 ' + seenScheme() + '，浏览器看到的不是。',
        'There is no sidecar in front of this page, so the backend\'s own parameters went out: it sees ' + seenScheme() + ', the browser does not.'];
    }

    function seenScheme() { return app.signedURL.split('://')[0]; }

    // Says a text that counts seconds until there is nothing to count.
    function show(text) {
      clearInterval(clock);
      say('story', text()[0], text()[1]);
      if ((text === wait || outcome === 'dead ticket') && secondsLeft() > 0) {
        clock = setInterval(function () {
          if (secondsLeft() <= 0) { show(story); } else { say('story', text()[0], text()[1]); }
        }, 1000);
      }
    }

    function wait() {
      return ['ticket 每分钟最多重新获取一次：请 ' + secondsLeft() + ' 秒后再让它过期。',
        'The ticket is fetched again at most once a minute: let it expire again in ' + secondsLeft() + ' seconds.'];
    }

    return {
      tell: function (of) {
        outcome = of;
        // Somebody else let it expire: whenever the sidecar has fetched last, in a minute it does again.
        if (of === 'dead ticket' && secondsLeft() <= 0) { localStorage.expired = Date.now(); }
        show(story);
      },

      // The second system: the ticket dies first, then the page loads with a signature that was made with it. One that
      // dies again before the sidecar may fetch another would only break all pages for the rest of the minute.
      expireFirst: function () {
        var href = this.href;
        if (secondsLeft() > 0) {
          show(wait);
          return false;
        }
        localStorage.expired = Date.now();
        var http = new XMLHttpRequest();
        http.open('POST', '/sandbox/expire');
        http.onloadend = function () { location.href = href; };
        http.send();
        return false;
      }
    };
  };
})();
