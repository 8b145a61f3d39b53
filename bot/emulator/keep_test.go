package emulator

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestADemonstrationGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := newRig(t, Options{})
	if err := first.Keep(dir, func(err error) { t.Error(err) }); err != nil {
		t.Fatal(err)
	}
	p := first.Phone(7, "Анна", "ru")
	p.Start("")
	p.SendDocument("a.pdf", "", []byte("journal"), "")
	p.SendPhoto(picture(t, 400, 300), "")
	card := must[wireMessage](first, "sendMessage", args{"chat_id": "7", "text": "<b>карточка</b>", "parse_mode": "HTML", "reply_markup": keyboard})
	gone := must[wireMessage](first, "sendMessage", args{"chat_id": "7", "text": "лишнее"})
	must[bool](first, "deleteMessage", args{"chat_id": "7", "message_id": strconv.Itoa(gone.MessageID)})
	must[bool](first, "setMyCommands", args{"commands": `[{"command":"menu","description":"Меню"}]`})
	first.Phone(8, "Борис", "ru").Start("")
	first.Phone(8, "", "").Block()
	first.Group(-5, "группа").AddBot(p)
	before := first.updates(nil)
	first.Close()

	second := newRig(t, Options{})
	if err := second.Keep(dir, func(err error) { t.Error(err) }); err != nil {
		t.Fatal(err)
	}
	again := second.Phone(7, "другое имя", "en")
	if again.Name() != "Анна" || len(again.Commands()) != 1 || second.Group(-5, "").Left() {
		t.Errorf("the phone came back as %q with %v", again.Name(), again.Commands())
	}
	if diff := cmp.Diff(p.Messages(), again.Messages()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before, second.updates(nil)); diff != "" {
		t.Error(diff)
	}
	at := args{"chat_id": "7", "message_id": strconv.Itoa(card.MessageID)}
	same := with(at, args{"text": "<b>карточка</b>", "parse_mode": "HTML", "reply_markup": keyboard})
	if got, _ := second.call("editMessageText", same); !strings.Contains(got.Error, "message is not modified") {
		t.Errorf("the card is not what it was: %v", got)
	}
	if got, _ := second.call("editMessageText", args{"chat_id": "7", "message_id": strconv.Itoa(gone.MessageID), "text": "x"}); !strings.Contains(got.Error, "not found") {
		t.Errorf("the deleted message is back: %v", got)
	}
	if got, _ := second.call("sendMessage", args{"chat_id": "8", "text": "x"}); got.Status != 403 {
		t.Errorf("the block is forgotten: %v", got)
	}
	if id := again.Say("дальше"); id <= gone.MessageID {
		t.Errorf("message number %d comes again", id)
	}
	must[wireFile](second, "getFile", args{"file_id": again.Messages()[1].File.ID})
}

func TestAKeptStateThatCannotBeReadIsNamed(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		"{":              "unexpected end of JSON input",
		`{"Version":99}`: "holds chats of version 99, this program reads 1",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "chats.json"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := New(Options{}).Keep(dir, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", content, err)
		}
	}
}
