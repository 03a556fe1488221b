package doctor

// What DingTalk is told about a push that is not taken; its console and our operators
// read it.
var (
	LongPush    = say("a push has at most 1 MiB", "推送内容最多 1 MiB")
	BrokenPush  = say(`a push is JSON, {"encrypt":"…"}, and arrives in full within seconds`, `推送内容必须是 JSON：{"encrypt":"…"}，并在数秒内完整到达`)
	StalePush   = say("the push is too old, or from the future: set the clock of this server, best by NTP", "推送太旧，或来自未来：请校准本机时钟，最好用 NTP")
	UnsavedPush = say("what was pushed could not be stored for the other servers: check the storage, and push it again", "推送内容没能存下来供其他服务器使用：请检查存储，然后重新推送")
	// ForgedPush is the same in both languages, to the byte: whoever tries keys learns nothing.
	ForgedPush = say("the push is not signed and encrypted for this site: compare token, aes_key and suite_key with the developer console / 推送的签名或密文不对：请与开发者后台核对 token、aes_key、suite_key",
		"the push is not signed and encrypted for this site: compare token, aes_key and suite_key with the developer console / 推送的签名或密文不对：请与开发者后台核对 token、aes_key、suite_key")
)
