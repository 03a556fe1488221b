package robot_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/robot"
)

// group is a group whose robot takes everything.
func group() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"errcode":0,"errmsg":"ok"}`)
	}))
}

func Example() {
	server := group()
	defer server.Close()
	webhook := server.URL + "/robot/send?access_token=token" // https://oapi.dingtalk.com/robot/send?access_token=…

	r, err := robot.New(webhook, "SECret")
	if err != nil {
		fmt.Println(err)
		return
	}
	err = r.Send(context.Background(), robot.Markdown{
		Title: "Backup",
		Text:  "**Backup** has failed on db-1",
		At:    robot.At{Mobiles: []string{"13800138000"}},
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleRobot_Send_errors() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"errcode":310000,"errmsg":"keywords not in content"}`)
	}))
	defer server.Close()
	r, _ := robot.New(server.URL+"?access_token=token", "")

	err := r.Send(context.Background(), robot.Text{Content: "hello"})
	if failure, ok := errors.AsType[*robot.SendError](err); ok {
		fmt.Println(failure.Kind, failure.Code)
		fmt.Println(failure.Advice)
	}
	// Output:
	// security 310000
	// The robot has 自定义关键词 on and the message holds none of its keywords: give one as keyword (Caddyfile), or write it into the message.
}

// A message that is sent again after a timeout is shown once.
func ExampleOnce() {
	server := group()
	defer server.Close()
	r, _ := robot.New(server.URL+"?access_token=token", "")

	m := robot.Once(robot.Text{Content: "deployed"})
	for range 3 {
		err := r.Send(context.Background(), m)
		if failure, ok := errors.AsType[*robot.SendError](err); ok && failure.Temporary() {
			time.Sleep(time.Second)
			continue
		}
		fmt.Println(err)
		break
	}
	// Output: <nil>
}

func ExampleLink_Validate() {
	err := robot.Link{Title: "Release", MessageURL: "https://example.com/"}.Validate()
	fmt.Println(err)
	// Output: link.text is missing or blank: DingTalk would not show the message
}

func ExampleParse() {
	_, err := robot.Parse([]byte(`{"msgtype": "link", "link": {"title": "t", "text": "x", "messageURL": "https://example.com/"}}`))
	fmt.Println(err)
	// Output: link.messageURL must be written messageUrl: DingTalk overlooks it otherwise
}

func ExampleActionCard() {
	body, err := json.Marshal(robot.ActionCard{
		Title: "Release", Text: "**1.2** is out",
		Buttons: []robot.Button{{"Notes", "https://example.com/notes"}, {"Install", "https://example.com/install"}},
	})
	fmt.Println(string(body), err)
	// Output: {"msgtype":"actionCard","actionCard":{"title":"Release","text":"**1.2** is out","btns":[{"title":"Notes","actionURL":"https://example.com/notes"},{"title":"Install","actionURL":"https://example.com/install"}]}} <nil>
}
