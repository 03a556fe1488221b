package docs_test

import (
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

func TestMain(m *testing.M) { testsite.Main(m) }
