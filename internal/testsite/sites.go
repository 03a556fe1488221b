package testsite

// Signed is a site that signs all pages of the upstream.
const Signed = `http://:PORT {
	dingtalk {
		import app
	}
	reverse_proxy UPSTREAM
}`

// Compared are a site with the directive and the same without.
const Compared = `http://with.test:PORT {
	dingtalk {
		import app
	}
	reverse_proxy UPSTREAM
}
http://without.test:PORT {
	reverse_proxy UPSTREAM
}`
