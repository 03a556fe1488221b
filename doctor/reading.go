package doctor

import "regexp"

// readingCure says what to do about a configuration that Caddy cannot read, of which it
// says what it found, in English alone, and seldom more. It is empty for other texts.
func readingCure(text string) Text {
	for _, r := range unread {
		if found := r.says.FindStringSubmatchIndex(text); found != nil {
			expand := func(cure string) string { return string(r.says.ExpandString(nil, cure, text, found)) }
			return Text{EN: expand(r.en), ZH: expand(r.zh)}
		}
	}
	return Text{}
}

// unread are the texts of Caddy v2.11, with $1 for what it quotes. The first that fits counts.
var unread = []struct {
	says   *regexp.Regexp
	en, zh string
}{
	// Braces
	{regexp.MustCompile(`Unexpected next token after '\{' on same line`),
		"End the line behind the {, and write each setting on a line of its own; a placeholder has no spaces in it: {env.NAME}",
		"{ 后面换行，每项设置单独写一行；占位符里没有空格：{env.NAME}"},
	{regexp.MustCompile(`Unexpected '\{' on a new line`),
		"Move the { to the end of the line before it.",
		"请把 { 移到上一行的末尾"},
	{regexp.MustCompile(`Unexpected '\{\}' at end of line`),
		"Leave out the {}.",
		"请去掉 {}"},
	{regexp.MustCompile(`because no matching opening brace|subject does not qualify for certificate: '\}'`),
		"Take that } away, or write the { that is missing at the end of the line where its block begins.",
		"请去掉这个 }，或在块开始的那一行末尾补上缺少的 {"},
	{regexp.MustCompile(`unexpected EOF, at |expecting '\}'`),
		"A } is missing: each { needs one, dingtalk and the site around it as well.",
		"缺少 }：每个 { 都要有对应的 }，dingtalk 和外层的站点也是"},
	{regexp.MustCompile(`expecting '\{'`),
		"Write { at the end of the line with the site's address, and } on a line behind its last one.",
		"请在站点地址那一行的末尾写 {，在站点的最后另起一行写 }"},
	{regexp.MustCompile(`unexpected token '\{', expecting argument`),
		"Write the value before the {.",
		"请把值写在 { 前面"},

	// What stands in the wrong place, or under a wrong name
	{regexp.MustCompile(`directives must appear in a site block`),
		"Put the site around it: its address and { on the line before, } on a line behind.",
		"请把它放进站点里：前面一行写站点地址和 {，后面一行写 }"},
	{regexp.MustCompile(`unrecognized directive: dingtalk\b|(?:module not registered|unknown module): http\.handlers\.dingtalk\b`),
		"This Caddy was built without the module: build it with " + build + ", and look with caddy list-modules whether that is the one that runs.",
		"这个 Caddy 没有编译进本模块：请用 " + build + " 构建，并用 caddy list-modules 确认运行的就是它"},
	{regexp.MustCompile(`unrecognized directive: (events|servers|storage|email|admin|debug|order|auto_https|http_port|https_port)\b`),
		"$1 is a global option: write it into a block { … } without an address, at the top of the file.",
		"$1 是全局选项：请写进文件最上面没有地址的块 { … } 里"},
	{regexp.MustCompile(`unrecognized directive: (listen|server_name|location|proxy_pass|proxy_set_header|upstream|server|ssl_certificate)\b`),
		"$1 is nginx's. In a Caddyfile the address of the site stands before its {, and reverse_proxy inside; a line ends without ;",
		"$1 是 nginx 的写法。Caddyfile 里站点地址写在 { 前面，里面写 reverse_proxy，行尾没有分号"},
	{regexp.MustCompile(`unrecognized directive: (webhook|secret|keyword|dingtalk_robot)\b`),
		"A robot stands in the global options, at the top of the file: events { on dingtalk_token_failed dingtalk_robot { … } }",
		"机器人写在全局选项里，即文件最上面：events { on dingtalk_token_failed dingtalk_robot { … } }"},
	{regexp.MustCompile(`unrecognized directive: ([^\s,]+)`),
		"Look for a slip in $1. If it is a setting of dingtalk, write it inside dingtalk { … }; if there should be another site, give each site its address and its { }.",
		"请检查 $1 有没有写错。它是 dingtalk 的设置，就写进 dingtalk { … }；要写另一个站点，就给每个站点写上地址和 { }"},
	{regexp.MustCompile(`server block without any key`),
		"A block without an address holds the global options: move it to the top of the file. Where a {$$NAME} is the address, set that variable before Caddy starts.",
		"没有地址的块是全局选项：请移到文件最上面。地址写成 {$$NAME} 时，请在启动 Caddy 之前设置这个变量"},
	{regexp.MustCompile(`unrecognized global option: ([^\s,]+)`),
		"The block at the top has no address, so it holds Caddy's global options: if it is to be a site, write its address before the {; else look for a slip in $1.",
		"最上面的块没有地址，所以是全局选项：如果它是站点，请在 { 前面写上地址；否则请检查 $1 有没有写错"},
	{regexp.MustCompile(`cannot define a matcher outside of a site block|matchers may not be defined globally`),
		"Move the matcher into the block of the site.",
		"请把匹配器移到站点的块里"},
	{regexp.MustCompile(`unrecognized matcher name: (@[^\s,]+)`),
		"Define it in the same site, for example: $1 path /assets/*",
		"请在同一个站点里定义它，例如：$1 path /assets/*"},
	{regexp.MustCompile(`matcher is defined more than once: (@[^\s,]+)`),
		"Give one of the two another name.",
		"请给其中一个换个名称"},
	{regexp.MustCompile(`ambiguous site definition: ([^\s,]+)`),
		"Two sites have this address: unite them into one block, or give one of them another address.",
		"两个站点的地址相同：请合并成一个块，或给其中一个换个地址"},
	{regexp.MustCompile(`File to import not found: ([^\s,]+)`),
		"Name a file that is there, or write the snippet ($1) { … } above what imports it.",
		"请写已有的文件，或在引用它的地方之前写上片段 ($1) { … }"},
	{regexp.MustCompile(`unrecognized subdirective '?proxy_set_header`),
		"In a Caddyfile it is header_up, as in header_up Host {host}; Caddy sets X-Forwarded-Proto, -Host and -For by itself.",
		"Caddyfile 里写 header_up，例如 header_up Host {host}；X-Forwarded-Proto、-Host 和 -For 由 Caddy 自己设置"},

	// Modules and values
	{regexp.MustCompile(`module not registered: events\.handlers\.\w*(?:robot|robto|dingtalk)\w*`),
		"The robot is called dingtalk_robot: on dingtalk_token_failed dingtalk_robot { … }",
		"机器人的名称是 dingtalk_robot：on dingtalk_token_failed dingtalk_robot { … }"},
	{regexp.MustCompile(`unexpected line ending after '(dingtalk_\w+)'`),
		"Write behind the event who is told of it: on $1 dingtalk_robot { … }",
		"请在事件后面写由谁处理：on $1 dingtalk_robot { … }"},
	{regexp.MustCompile(`URLs for proxy upstreams only support scheme, host, and port`),
		"Leave the path out of the address behind reverse_proxy: pages keep their own. Where the app wants another one, handle_path cuts off what it is not to see.",
		"请去掉 reverse_proxy 后面地址里的路径，页面的路径会原样传过去；应用需要别的路径时，用 handle_path 去掉前缀"},
	{regexp.MustCompile(`module not registered: caddy\.storage\.redis\b`),
		"This Caddy was built without the storage redis: build it with " + BuildWith("redis"),
		"这个 Caddy 没有编译进存储 redis：请用 " + BuildWith("redis") + " 构建"},
	{regexp.MustCompile(`module not registered: (caddy\.storage\.[\w-]+)`),
		"Look for a slip in $1; if there is none, this Caddy was built without that storage: build it with " + BuildWith(""),
		"请检查 $1 有没有写错；没有写错，就是这个 Caddy 不带该存储：请用 " + BuildWith("") + " 构建"},
	{regexp.MustCompile(`module not registered: ([^\s,]+)`),
		"Look for a slip in $1; if there is none, this Caddy was built without that module: add its package with xcaddy build --with.",
		"请检查 $1 有没有写错；没有写错，就是这个 Caddy 不带该模块：请用 xcaddy build --with 加上它的包"},
	{regexp.MustCompile(`wrong argument count or unexpected line ending after '([^']*)'`),
		"Look up what $1 takes (caddyserver.com/docs/caddyfile). A {$$NAME} whose variable is not set is no value.",
		"请查 $1 要写什么（caddyserver.com/docs/caddyfile）。变量没有设置时，{$$NAME} 等于没写"},
	{regexp.MustCompile(`invalid port|port \d+ is out of range|unsupported URL scheme|scheme and port violate convention|only supported in browsers`),
		"Write the address of the site as h5.example.com, http://h5.example.com or :8080.",
		"站点地址请写成 h5.example.com、http://h5.example.com 或 :8080"},
	{regexp.MustCompile(`cannot natively multiplex HTTP and HTTPS`),
		"Sites on one port need one scheme: write http:// or https:// before all of their addresses.",
		"同一个端口上的站点只能用一种协议：请给它们的地址都写上 http:// 或 https://"},

	// The file itself
	{regexp.MustCompile(`reading config from file: open (.+): no such file`),
		"Name the file that Caddy runs with behind --config.",
		"请在 --config 后面写 Caddy 运行时所用的文件"},
	{regexp.MustCompile(`config is not valid JSON`),
		"A file whose name does not begin or end with Caddyfile is taken for JSON: if it is a Caddyfile, add --adapter caddyfile.",
		"名称不以 Caddyfile 开头或结尾的文件会当作 JSON：如果它是 Caddyfile，请加上 --adapter caddyfile"},
}
