package emulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// picture draws a PNG.
func picture(t *testing.T, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const keyboard = `{"inline_keyboard":[[{"text":"Да","callback_data":"y"}]]}`

// stage is a chat 7 with messages: 1 /start, 2 a text with a keyboard, 3 a
// document, 4 a photo, 5 deleted; a person 8 who never wrote, a person 9 who
// has blocked the bot, a group -100 without the bot, a group -200 that it left.
func stage(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, Options{MaxDownload: 1 << 20})
	r.Phone(7, "person", "ru").Start("")
	must[wireMessage](r, "sendMessage", args{"chat_id": "7", "text": "<b>текст</b>", "parse_mode": "HTML", "reply_markup": keyboard})
	must[wireMessage](r, "sendDocument", args{"chat_id": "7", "caption": "подпись"}, upload{mime: "document", name: "a.pdf", data: []byte("pdf")})
	must[wireMessage](r, "sendPhoto", args{"chat_id": "7"}, upload{mime: "photo", name: "a.png", data: picture(t, 300, 200)})
	must[wireMessage](r, "sendMessage", args{"chat_id": "7", "text": "лишнее"})
	must[bool](r, "deleteMessage", args{"chat_id": "7", "message_id": "5"})
	r.Phone(8, "silent", "ru")
	blocker := r.Phone(9, "blocker", "ru")
	blocker.Start("")
	blocker.Block()
	r.Group(-100, "without")
	r.Group(-200, "left").AddBot(r.Phone(7, "", ""))
	must[bool](r, "leaveChat", args{"chat_id": "-200"})
	return r
}

// row is one refusal, or an "ok".
type row struct {
	name   string
	method string
	args   args
	files  []upload
	status int
	want   string // the whole description
}

func runRows(t *testing.T, rows []row) {
	t.Helper()
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, _ := stage(t).call(tt.method, tt.args, tt.files...)
			if diff := cmp.Diff(answer{tt.status, tt.want}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func bad(what string) string { return "Bad Request: " + what }

func TestParametersAreCheckedAgainstTheSpecification(t *testing.T) {
	t.Parallel()
	runRows(t, []row{
		{"unknown method", "sendNothing", nil, nil, 404, "Not Found"},
		{"method in another case", "SENDMESSAGE", args{"chat_id": "7", "text": "x"}, nil, 200, ""},
		{"method that is known and not played", "sendDice", args{"chat_id": "7"}, nil, 400, bad("method sendDice is not played by the emulator")},
		{"not played, with a missing parameter", "sendLocation", args{"chat_id": "7", "latitude": "1"}, nil, 400, bad(`parameter "longitude" is required`)},
		{"unknown parameter", "sendMessage", args{"chat_id": "7", "text": "x", "reply_to_message_id": "1"}, nil, 400, bad(`unknown parameter "reply_to_message_id" of sendMessage`)},
		{"missing chat", "sendMessage", args{"text": "x"}, nil, 400, bad("chat_id is empty")},
		{"missing text", "sendMessage", args{"chat_id": "7"}, nil, 400, bad("message text is empty")},
		{"missing document", "sendDocument", args{"chat_id": "7"}, nil, 400, bad("there is no document in the request")},
		{"number that is none", "editMessageText", args{"chat_id": "7", "message_id": "x", "text": "y"}, nil, 400, bad(`"x" is not an integer`)},
		{"boolean that is none", "sendMessage", args{"chat_id": "7", "text": "x", "protect_content": "maybe"}, nil, 400, bad(`"maybe" is not a boolean`)},
		{"boolean as a number", "sendMessage", args{"chat_id": "7", "text": "x", "protect_content": "1"}, nil, 200, ""},
		{"text that is not UTF-8", "sendMessage", args{"chat_id": "7", "text": "\xff"}, nil, 400, bad("strings must be encoded in UTF-8")},
		{"markup that is no JSON", "sendMessage", args{"chat_id": "7", "text": "x", "reply_markup": "{"}, nil, 400, bad("can't parse reply keyboard markup JSON object: unexpected EOF")},
		{"markup of no kind", "sendMessage", args{"chat_id": "7", "text": "x", "reply_markup": `{"inline":[]}`}, nil, 400, bad(`can't parse reply keyboard markup JSON object: reply_markup lacks the field "inline_keyboard" of InlineKeyboardMarkup`)},
		{"button with an unknown field", "sendMessage", args{"chat_id": "7", "text": "x", "reply_markup": `{"inline_keyboard":[[{"text":"a","callback_data":"b","color":"red"}]]}`}, nil, 400, bad(`can't parse reply keyboard markup JSON object: reply_markup.inline_keyboard[0][0] has the unknown field "color" of InlineKeyboardButton`)},
		{"button style that is not listed", "sendMessage", args{"chat_id": "7", "text": "x", "reply_markup": `{"inline_keyboard":[[{"text":"a","callback_data":"b","style":"pink"}]]}`}, nil, 400, bad(`can't parse reply keyboard markup JSON object: reply_markup.inline_keyboard[0][0].style is "pink", which is none of: danger, success, primary`)},
		{"getUpdates over the limit", "getUpdates", args{"limit": "101"}, nil, 400, bad("limit is 101, which is not between 1 and 100")},
		{"null for what is absent", "sendMessage", args{"chat_id": "7", "text": "x", "entities": "null"}, nil, 200, ""},
		{"parse mode that does not exist", "sendMessage", args{"chat_id": "7", "text": "x", "parse_mode": "XML"}, nil, 400, bad("unsupported parse_mode")},
		{"parse mode that is not played", "sendMessage", args{"chat_id": "7", "text": "x", "parse_mode": "MarkdownV2"}, nil, 400, bad("parse_mode MarkdownV2 is not played by the emulator")},
		{"chat action that does not exist", "sendChatAction", args{"chat_id": "7", "action": "sleeping"}, nil, 400, bad("wrong parameter action in request")},
		{"chat action", "sendChatAction", args{"chat_id": "7", "action": "typing"}, nil, 200, ""},
	})
}

func TestChatsAreReachedAsTelegramAllows(t *testing.T) {
	t.Parallel()
	say := func(chat string) args { return args{"chat_id": chat, "text": "x"} }
	runRows(t, []row{
		{"chat that nobody has", "sendMessage", say("6"), nil, 400, bad("chat not found")},
		{"user name", "sendMessage", say("@person"), nil, 400, bad("chat not found")},
		{"person who never wrote", "sendMessage", say("8"), nil, 403, "Forbidden: bot can't initiate conversation with a user"},
		{"person who has blocked the bot", "sendMessage", say("9"), nil, 403, "Forbidden: bot was blocked by the user"},
		{"edit in a blocked chat", "editMessageText", with(say("9"), args{"message_id": "1"}), nil, 403, "Forbidden: bot was blocked by the user"},
		{"group without the bot", "sendMessage", say("-100"), nil, 403, "Forbidden: bot is not a member of the supergroup chat"},
		{"group that the bot has left", "sendMessage", say("-200"), nil, 403, "Forbidden: bot was kicked from the supergroup chat"},
		{"leaving a private chat", "leaveChat", args{"chat_id": "7"}, nil, 400, bad("chat member status can't be changed in private chats")},
		{"getChat", "getChat", args{"chat_id": "7"}, nil, 200, ""},
		{"getChat of a stranger", "getChat", args{"chat_id": "6"}, nil, 400, bad("chat not found")},
		{"thread in a private chat", "sendMessage", with(say("7"), args{"message_thread_id": "3"}), nil, 400, bad("message thread not found")},
		{"reply", "sendMessage", with(say("7"), args{"reply_parameters": `{"message_id":1}`}), nil, 200, ""},
		{"reply to nothing", "sendMessage", with(say("7"), args{"reply_parameters": `{"message_id":99}`}), nil, 400, bad("message to be replied not found")},
		{"reply to nothing, leniently", "sendMessage", with(say("7"), args{"reply_parameters": `{"message_id":99,"allow_sending_without_reply":true}`}), nil, 200, ""},
	})
}

func TestTextsAreParsedStrictly(t *testing.T) {
	t.Parallel()
	rows := []row{}
	for _, x := range []struct{ name, text, want string }{
		{"all tags", `<b>b</b><strong>s</strong><i>i</i><em>e</em><u>u</u><ins>n</ins><s>s</s><strike>k</strike><del>d</del><span class="tg-spoiler">p</span><tg-spoiler>q</tg-spoiler><a href="https://e.org/?a=1&amp;b=2">l</a><code>c</code><pre>p</pre><pre><code class="language-go">g</code></pre><blockquote>q</blockquote><blockquote expandable>e</blockquote>`, ""},
		{"numeric references", "&#34;&#x27;&#43;&lt;&gt;&amp;&quot;", ""},
		{"unsupported tag", "a<br>b", `can't parse entities: Unsupported start tag "br" at byte offset 1`},
		{"paragraph", "<p>x</p>", `can't parse entities: Unsupported start tag "p" at byte offset 0`},
		{"comment", "<!-- x -->", `can't parse entities: Unsupported start tag "!--" at byte offset 0`},
		{"unclosed tag", "<b>x", `can't parse entities: Can't find end tag corresponding to start tag "b"`},
		{"end without a start", "x</b>", `can't parse entities: Unexpected end tag at byte offset 1`},
		{"crossed tags", "<b><i>x</b></i>", `can't parse entities: Unmatched end tag at byte offset 7, expected "</i>", found "</b>"`},
		{"start tag cut off", "x <b", `can't parse entities: Unclosed start tag at byte offset 2`},
		{"end tag cut off", "<b>x</b", `can't parse entities: Unclosed end tag at byte offset 4`},
		{"bare less than", "1 < 2", `can't parse entities: Unsupported start tag "" at byte offset 2`},
		{"bare ampersand", "A&B", `can't parse entities: Unescaped "&" at byte offset 1`},
		{"reference of the web", "a&nbsp;b", `can't parse entities: Unsupported HTML entity "&nbsp;" at byte offset 1`},
		{"reference to nothing", "a&#0;b", `can't parse entities: Unsupported HTML entity "&#0;" at byte offset 1`},
		{"span without its class", "<span>x</span>", `can't parse entities: Tag "span" must have class "tg-spoiler" at byte offset 0`},
		{"link without an address", "<a>x</a>", `can't parse entities: Tag "a" must have the attribute "href" at byte offset 0`},
		{"attribute without a value", "<a href>x</a>", `can't parse entities: Expected equal sign in declaration of an attribute of the tag "a" at byte offset 0`},
		{"open quote", `<a href="x>y</a>`, `can't parse entities: Unclosed start tag at byte offset 0`},
		{"nothing but space", "  \n\t ", "message text is empty"},
		{"nothing but tags", "<b> </b>", "message text is empty"},
		{"4096 units", "<b>" + strings.Repeat("я", 4096) + "</b>", ""},
		{"4097 units", strings.Repeat("я", 4097), "message is too long"},
		{"2048 emoji", strings.Repeat("😀", 2048), ""},
		{"2049 emoji", strings.Repeat("😀", 2049), "message is too long"},
	} {
		tt := row{"text: " + x.name, "sendMessage", args{"chat_id": "7", "text": x.text, "parse_mode": "HTML"}, nil, 200, ""}
		if x.want != "" {
			tt.status, tt.want = 400, bad(x.want)
		}
		rows = append(rows, tt)
	}
	doc := []upload{{mime: "document", name: "a.pdf", data: []byte("x")}}
	rows = append(
		rows,
		row{"caption of 1024", "sendDocument", args{"chat_id": "7", "caption": strings.Repeat("я", 1024)}, doc, 200, ""},
		row{"caption of 1025", "sendDocument", args{"chat_id": "7", "caption": strings.Repeat("я", 1025)}, doc, 400, bad("message caption is too long")},
		row{"caption in bad markup", "sendDocument", args{"chat_id": "7", "caption": "<b>", "parse_mode": "HTML"}, doc, 400, bad(`can't parse entities: Can't find end tag corresponding to start tag "b"`)},
		row{"entities", "sendMessage", args{"chat_id": "7", "text": "жирно", "entities": `[{"type":"bold","offset":0,"length":5}]`}, nil, 200, ""},
		row{"entities beyond the text", "sendMessage", args{"chat_id": "7", "text": "жирно", "entities": `[{"type":"bold","offset":0,"length":6}]`}, nil, 400, bad("entity beginning at UTF-16 offset 0 ends after the end of the text at UTF-16 offset 6")},
		row{"entity of no kind", "sendMessage", args{"chat_id": "7", "text": "жирно", "entities": `[{"type":"fat","offset":0,"length":5}]`}, nil, 400, bad(`can't parse entities JSON object: entities[0].type is "fat", which is none of: mention, hashtag, cashtag, bot_command, url, email, phone_number, bold, italic, underline, strikethrough, spoiler, blockquote, expandable_blockquote, code, pre, text_link, text_mention, custom_emoji, date_time`)},
	)
	runRows(t, rows)
}

func TestKeyboardsAreChecked(t *testing.T) {
	t.Parallel()
	many := func(n int) string {
		return `{"inline_keyboard":[[` + strings.TrimSuffix(strings.Repeat(`{"text":"a","callback_data":"b"},`, n), ",") + `]]}`
	}
	var rows []row
	for _, x := range []struct{ name, markup, want string }{
		{"64 bytes of data", `{"inline_keyboard":[[{"text":"a","callback_data":"` + strings.Repeat("я", 32) + `"}]]}`, ""},
		{"65 bytes of data", `{"inline_keyboard":[[{"text":"a","callback_data":"` + strings.Repeat("я", 32) + `x"}]]}`, "BUTTON_DATA_INVALID"},
		{"empty data", `{"inline_keyboard":[[{"text":"a","callback_data":""}]]}`, "BUTTON_DATA_INVALID"},
		{"button that does nothing", `{"inline_keyboard":[[{"text":"a"}]]}`, "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"},
		{"button that does two things", `{"inline_keyboard":[[{"text":"a","callback_data":"b","url":"https://e.org"}]]}`, `can't parse inline keyboard button: "a" does 2 things, exactly one is allowed`},
		{"button without words", `{"inline_keyboard":[[{"text":" ","callback_data":"b"}]]}`, `can't parse inline keyboard button: Field "text" must be non-empty`},
		{"link button", `{"inline_keyboard":[[{"text":"a","url":"https://t.me/x?start=y"}]]}`, ""},
		{"link to nowhere", `{"inline_keyboard":[[{"text":"a","url":"ftp://x"}]]}`, "inline keyboard button URL 'ftp://x' is invalid: Wrong HTTP URL"},
		{"100 buttons", many(100), ""},
		{"101 buttons", many(101), "REPLY_MARKUP_TOO_LONG"},
		{"no rows", `{"inline_keyboard":[]}`, ""},
		{"reply keyboard", `{"keyboard":[[{"text":"a"}]],"resize_keyboard":true}`, ""},
		{"keyboard taken away", `{"remove_keyboard":true}`, ""},
		{"forced reply", `{"force_reply":true}`, ""},
	} {
		tt := row{x.name, "sendMessage", args{"chat_id": "7", "text": "x", "reply_markup": x.markup}, nil, 200, ""}
		if x.want != "" {
			tt.status, tt.want = 400, bad(x.want)
		}
		rows = append(rows, tt)
	}
	runRows(t, rows)
}

func TestEditsAndDeletionsAreChecked(t *testing.T) {
	t.Parallel()
	at := func(id string, more args) args { return with(args{"chat_id": "7", "message_id": id}, more) }
	same := "message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message"
	runRows(t, []row{
		{"edit", "editMessageText", at("2", args{"text": "y"}), nil, 200, ""},
		{"edit that changes nothing", "editMessageText", at("2", args{"text": "<b>текст</b>", "parse_mode": "HTML", "reply_markup": keyboard}), nil, 400, bad(same)},
		{"edit that takes the keyboard away", "editMessageText", at("2", args{"text": "<b>текст</b>", "parse_mode": "HTML"}), nil, 200, ""},
		{"edit that takes the boldness away", "editMessageText", at("2", args{"text": "текст", "reply_markup": keyboard}), nil, 200, ""},
		{"edit of nothing", "editMessageText", at("99", args{"text": "y"}), nil, 400, bad("message to edit not found")},
		{"edit of a deleted message", "editMessageText", at("5", args{"text": "y"}), nil, 400, bad("message to edit not found")},
		{"edit of a person's message", "editMessageText", at("1", args{"text": "y"}), nil, 400, bad("message can't be edited")},
		{"edit without a message", "editMessageText", args{"chat_id": "7", "text": "y"}, nil, 400, bad("message identifier is not specified")},
		{"text of a document", "editMessageText", at("3", args{"text": "y"}), nil, 400, bad("there is no text in the message to edit")},
		{"edit to an empty text", "editMessageText", at("2", args{"text": " "}), nil, 400, bad("message text is empty")},
		{"edit with a reply keyboard", "editMessageText", at("2", args{"text": "y", "reply_markup": `{"keyboard":[]}`}), nil, 400, bad(`can't parse reply keyboard markup JSON object: reply_markup lacks the field "inline_keyboard" of InlineKeyboardMarkup`)},
		{"caption", "editMessageCaption", at("3", args{"caption": "y"}), nil, 200, ""},
		{"same caption", "editMessageCaption", at("3", args{"caption": "подпись"}), nil, 400, bad(same)},
		{"caption of a text", "editMessageCaption", at("2", args{"caption": "y"}), nil, 400, bad("there is no caption in the message to edit")},
		{"keyboard", "editMessageReplyMarkup", at("2", nil), nil, 200, ""},
		{"same keyboard", "editMessageReplyMarkup", at("2", args{"reply_markup": keyboard}), nil, 400, bad(same)},
		{"another photo", "editMessageMedia", at("4", args{"media": `{"type":"photo","media":"attach://p"}`}), []upload{{mime: "p", name: "p.png", data: picture(t, 10, 10)}}, 200, ""},
		{"media that was not uploaded", "editMessageMedia", at("4", args{"media": `{"type":"photo","media":"attach://p"}`}), nil, 400, bad(`can't parse InputMedia: file "p" was not uploaded`)},
		{"media of no kind", "editMessageMedia", at("4", args{"media": `{"type":"painting","media":"x"}`}), nil, 400, bad(`can't parse media JSON object: media.type is "painting", which is none of: animation, audio, document, live_photo, photo, video`)},
		{"delete", "deleteMessage", at("2", nil), nil, 200, ""},
		{"delete a person's message", "deleteMessage", at("1", nil), nil, 200, ""},
		{"delete nothing", "deleteMessage", at("99", nil), nil, 400, bad("message to delete not found")},
		{"delete twice", "deleteMessage", at("5", nil), nil, 400, bad("message to delete not found")},
		{"delete several, some of which are gone", "deleteMessages", args{"chat_id": "7", "message_ids": "[2,5,99]"}, nil, 200, ""},
		{"delete none", "deleteMessages", args{"chat_id": "7", "message_ids": "[]"}, nil, 400, bad("message_ids is 0, which is not between 1 and 100")},
		{"pin", "pinChatMessage", at("2", nil), nil, 200, ""},
		{"pin nothing", "pinChatMessage", at("5", nil), nil, 400, bad("message to pin not found")},
		{"unpin what is not pinned", "unpinChatMessage", at("2", nil), nil, 400, bad("message to unpin not found")},
		{"copy", "copyMessage", args{"chat_id": "7", "from_chat_id": "7", "message_id": "3"}, nil, 200, ""},
		{"copy nothing", "copyMessage", args{"chat_id": "7", "from_chat_id": "7", "message_id": "5"}, nil, 400, bad("message to copy not found")},
		{"react", "setMessageReaction", at("1", args{"reaction": `[{"type":"emoji","emoji":"👍"}]`}), nil, 200, ""},
		{"react to nothing", "setMessageReaction", at("5", nil), nil, 400, bad("message to react not found")},
	})
}

func TestFilesAreChecked(t *testing.T) {
	t.Parallel()
	doc := func(data []byte) []upload { return []upload{{mime: "document", name: "a.pdf", data: data}} }
	photo := func(data []byte) []upload { return []upload{{mime: "photo", name: "a.png", data: data}} }
	chat := args{"chat_id": "7"}
	album := func(n int) args {
		items := strings.TrimSuffix(strings.Repeat(`{"type":"document","media":"attach://f"},`, n), ",")
		return with(chat, args{"media": "[" + items + "]"})
	}
	f := []upload{{mime: "f", name: "f.txt", data: []byte("f")}}
	runRows(t, []row{
		{"empty file", "sendDocument", chat, doc(nil), 400, bad("file must be non-empty")},
		{"50 MB", "sendDocument", chat, doc(make([]byte, 50<<20)), 200, ""},
		{"over 50 MB", "sendDocument", chat, doc(make([]byte, 50<<20+1)), 413, "Request Entity Too Large"},
		{"photo over 10 MB", "sendPhoto", chat, photo(make([]byte, 10<<20+1)), 400, bad("file of size 10485761 bytes is too big for a photo; the maximum size is 10485760 bytes")},
		{"photo that is no picture", "sendPhoto", chat, photo([]byte("text")), 400, bad("IMAGE_PROCESS_FAILED")},
		{"photo that is too thin", "sendPhoto", chat, photo(picture(t, 2100, 100)), 400, bad("PHOTO_INVALID_DIMENSIONS")},
		{"photo that is too wide", "sendPhoto", chat, photo(picture(t, 5001, 5000)), 400, bad("PHOTO_INVALID_DIMENSIONS")},
		{"file_id of nothing", "sendDocument", with(chat, args{"document": "AAA"}), nil, 400, bad("wrong file identifier/HTTP URL specified")},
		{"address", "sendDocument", with(chat, args{"document": "https://e.org/a.pdf"}), nil, 400, bad("failed to get HTTP URL content")},
		{"file that nothing refers to", "sendMessage", with(chat, args{"text": "x"}), f, 400, bad(`unknown parameter "f" of sendMessage: a file that nothing refers to`)},
		{"album of one", "sendMediaGroup", album(1), f, 400, bad("too few messages to send as an album: 1, at least 2")},
		{"album of two", "sendMediaGroup", album(2), f, 200, ""},
		{"album of ten", "sendMediaGroup", album(10), f, 200, ""},
		{"album of eleven", "sendMediaGroup", album(11), f, 400, bad("too many messages to send as an album: 11, at most 10")},
		{"album of a file that was not uploaded", "sendMediaGroup", album(2), nil, 400, bad(`can't parse InputMedia: file "f" was not uploaded`)},
		{"album of two kinds", "sendMediaGroup", with(chat, args{"media": `[{"type":"document","media":"attach://f"},{"type":"photo","media":"attach://f"}]`}), f, 400, bad("document can't be mixed with other media types")},
		{"getFile of nothing", "getFile", args{"file_id": "AAA"}, nil, 400, bad("invalid file_id")},
	})
}

func TestCommandsAndSettingsAreChecked(t *testing.T) {
	t.Parallel()
	list := func(command, description string) args {
		return args{"commands": fmt.Sprintf(`[{"command":%q,"description":%q}]`, command, description)}
	}
	runRows(t, []row{
		{"commands", "setMyCommands", list("menu", "Меню"), nil, 200, ""},
		{"commands of a chat", "setMyCommands", with(list("menu", "Меню"), args{"scope": `{"type":"chat","chat_id":7}`}), nil, 200, ""},
		{"commands of a chat that nobody has", "setMyCommands", with(list("menu", "Меню"), args{"scope": `{"type":"chat","chat_id":6}`}), nil, 400, bad("chat not found")},
		{"command with a slash", "setMyCommands", list("/menu", "Меню"), nil, 400, bad("BOT_COMMAND_INVALID")},
		{"command in capitals", "setMyCommands", list("Menu", "Меню"), nil, 400, bad("BOT_COMMAND_INVALID")},
		{"command of 33 characters", "setMyCommands", list(strings.Repeat("a", 33), "Меню"), nil, 400, bad("BOT_COMMAND_INVALID")},
		{"command without a description", "setMyCommands", list("menu", ""), nil, 400, bad("BOT_COMMAND_DESCRIPTION_INVALID")},
		{"scope of no kind", "setMyCommands", with(list("menu", "Меню"), args{"scope": `{"type":"planet"}`}), nil, 400, bad(`can't parse scope JSON object: scope.type is "planet", which is none of: default, all_private_chats, all_group_chats, all_chat_administrators, chat, chat_administrators, chat_member`)},
		{"language of no kind", "setMyCommands", with(list("menu", "Меню"), args{"language_code": "rus"}), nil, 400, bad("invalid language code specified")},
		{"getMyCommands", "getMyCommands", nil, nil, 200, ""},
		{"deleteMyCommands", "deleteMyCommands", nil, nil, 200, ""},
		{"menu button", "setChatMenuButton", args{"chat_id": "7", "menu_button": `{"type":"commands"}`}, nil, 200, ""},
		{"menu button of nobody", "setChatMenuButton", args{"chat_id": "6"}, nil, 400, bad("chat not found")},
		{"getChatMenuButton", "getChatMenuButton", args{"chat_id": "7"}, nil, 200, ""},
		{"description of 513", "setMyDescription", args{"description": strings.Repeat("я", 513)}, nil, 400, bad("description is 513, which is not between 0 and 512")},
		{"short description", "setMyShortDescription", args{"short_description": "Акты"}, nil, 200, ""},
		{"webhook without TLS", "setWebhook", args{"url": "http://example.org/x"}, nil, 400, bad("bad webhook: An HTTPS URL must be provided for webhook")},
		{"webhook of no address", "setWebhook", args{"url": "example"}, nil, 400, bad("bad webhook: invalid webhook URL specified")},
		{"webhook secret with a space", "setWebhook", args{"url": "https://e.org", "secret_token": "a b"}, nil, 400, bad("secret token contains unallowed characters")},
		{"webhook secret of 257", "setWebhook", args{"url": "https://e.org", "secret_token": strings.Repeat("a", 257)}, nil, 400, bad("secret_token is 257, which is not between 1 and 256")},
		{"logOut", "logOut", nil, nil, 200, ""},
		{"close", "close", nil, nil, 200, ""},
		{"answer to nothing", "answerCallbackQuery", args{"callback_query_id": "1"}, nil, 400, bad("query is too old and response timeout expired or query ID is invalid")},
		{"answer of 201 characters", "answerCallbackQuery", args{"callback_query_id": "1", "text": strings.Repeat("я", 201)}, nil, 400, bad("MESSAGE_TOO_LONG")},
	})
}

func TestTokensAreChecked(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	for path, want := range map[string]answer{
		"/bot1:other/getMe":    {401, "Unauthorized"},
		"/botnonsense/getMe":   {404, "Not Found"},
		"/bot1:test/":          {404, "Not Found"},
		"/file/bot1:other/a":   {401, "Unauthorized"},
		"/file/bot1:test/a.pd": {404, "Not Found"},
		"/bot1:test/getMe":     {200, ""},
	} {
		if got, _ := r.post(path, "", http.NoBody); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}

func TestBodiesComeInThreeForms(t *testing.T) {
	t.Parallel()
	r := stage(t)
	for _, x := range []struct {
		name, kind, body string
		want             answer
	}{
		{"JSON", "application/json", `{"chat_id":7,"text":"x","protect_content":true,"reply_markup":` + keyboard + `}`, answer{200, ""}},
		{"JSON with numbers as strings", "application/json; charset=utf-8", `{"chat_id":"7","text":"x"}`, answer{200, ""}},
		{"JSON cut off", "application/json", `{"chat_id":`, answer{400, bad("can't parse JSON object: unexpected end of JSON input")}},
		{"form", "application/x-www-form-urlencoded", "chat_id=7&text=x", answer{200, ""}},
		{"parameter twice", "application/x-www-form-urlencoded", "chat_id=7&text=x&text=y", answer{400, bad(`parameter "text" is given more than once`)}},
		{"multipart cut off", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nx", answer{400, bad("can't parse the multipart form: unexpected EOF")}},
	} {
		got, _ := r.post("/bot1:test/sendMessage", x.kind, strings.NewReader(x.body))
		if diff := cmp.Diff(x.want, got); diff != "" {
			t.Errorf("%s: %s", x.name, diff)
		}
	}
}

func TestOldThingsExpire(t *testing.T) {
	t.Parallel()
	r := stage(t)
	p := r.Phone(7, "", "")
	press := func() string {
		t.Helper()
		if err := p.Press("Да"); err != nil {
			t.Fatal(err)
		}
		type u struct {
			ID    int64          `json:"update_id"`
			Query *callbackQuery `json:"callback_query"`
		}
		all := must[[]u](r, "getUpdates", args{"offset": "-1"})
		if len(all) != 1 || all[0].Query == nil {
			t.Fatalf("%+v", all)
		}
		return all[0].Query.ID
	}
	id := press()
	r.clock.move(150 * time.Second)
	must[bool](r, "answerCallbackQuery", args{"callback_query_id": id})
	id = press()
	r.clock.move(151 * time.Second)
	got, _ := r.call("answerCallbackQuery", args{"callback_query_id": id})
	if diff := cmp.Diff(answer{400, bad("query is too old and response timeout expired or query ID is invalid")}, got); diff != "" {
		t.Error(diff)
	}
	if left := must[[]any](r, "getUpdates", nil); len(left) != 0 {
		t.Errorf("an old press is still delivered: %v", left)
	}
	p.Say("остаётся")
	r.clock.move(23 * time.Hour)
	if left := must[[]any](r, "getUpdates", nil); len(left) != 1 {
		t.Errorf("a text of yesterday is gone: %v", left)
	}
	r.clock.move(2 * time.Hour)
	if left := must[[]any](r, "getUpdates", nil); len(left) != 0 {
		t.Errorf("a text older than a day is kept: %v", left)
	}
	r.clock.move(24 * time.Hour)
	got, _ = r.call("deleteMessage", args{"chat_id": "7", "message_id": "2"})
	if diff := cmp.Diff(answer{400, bad("message can't be deleted")}, got); diff != "" {
		t.Error(diff)
	}
}

func TestFilesComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	r := stage(t)
	p := r.Phone(7, "", "")
	fetch := func(id string) (int, string) {
		t.Helper()
		got, raw := r.call("getFile", args{"file_id": id})
		if got.Status != 200 {
			return got.Status, got.Error
		}
		f := decode[wireFile](t, raw)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/file/bot1:test/"+f.FilePath, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		return resp.StatusCode, string(readAll(t, resp.Body))
	}
	file := func(id int) *File {
		m, _ := p.Message(id)
		return m.File
	}
	one, two := file(p.SendDocument("a.bin", "", []byte("содержание"), "")), file(p.SendDocument("b.bin", "", []byte("содержание"), ""))
	if one.ID == two.ID || r.files.byID[one.ID].unique != r.files.byID[two.ID].unique {
		t.Error("equal contents have different unique ids, or equal ids")
	}
	if status, body := fetch(one.ID); status != 200 || body != "содержание" {
		t.Errorf("%d %q", status, body)
	}
	if status, body := fetch(file(p.SendDocument("c.bin", "", make([]byte, 1<<20), "")).ID); status != 200 || len(body) != 1<<20 {
		t.Errorf("a file at the limit: %d", status)
	}
	if status, body := fetch(file(p.SendDocument("d.bin", "", make([]byte, 1<<20+1), "")).ID); status != 400 || body != bad("file is too big") {
		t.Errorf("a file over the limit: %d %s", status, body)
	}
	photo := file(p.SendPhoto(picture(t, 2000, 1000), ""))
	if status, body := fetch(photo.ID); status != 200 || !strings.HasPrefix(body, "\xff\xd8") {
		t.Errorf("a photo did not come as JPEG: %d", status)
	}
	if photo.Width != 2000 || photo.Height != 1000 {
		t.Errorf("the largest size is %d×%d", photo.Width, photo.Height)
	}
}

func TestTheCommandsInForceAreTheNearest(t *testing.T) {
	t.Parallel()
	r := stage(t)
	p := r.Phone(7, "", "")
	set := func(command string, more args) {
		t.Helper()
		must[bool](r, "setMyCommands", with(args{"commands": `[{"command":"` + command + `","description":"d"}]`}, more))
		if got := p.Commands(); len(got) != 1 || got[0].Command != command {
			t.Errorf("after %s: %v", command, got)
		}
	}
	set("default", nil)
	set("default_ru", args{"language_code": "ru"})
	set("private", args{"scope": `{"type":"all_private_chats"}`})
	set("chat", args{"scope": `{"type":"chat","chat_id":7}`})
	must[bool](r, "deleteMyCommands", args{"scope": `{"type":"chat","chat_id":7}`})
	if got := p.Commands(); got[0].Command != "private" {
		t.Errorf("after the deletion: %v", got)
	}
	if got := r.Phone(8, "", "").Commands(); got[0].Command != "private" {
		t.Errorf("another person: %v", got)
	}
	if p.MenuButton() != "commands" {
		t.Errorf("menu button %q", p.MenuButton())
	}
	must[bool](r, "setChatMenuButton", args{"chat_id": "7", "menu_button": `{"type":"default"}`})
	if p.MenuButton() != "default" {
		t.Errorf("menu button %q", p.MenuButton())
	}
}

func TestNoParameterBreaksTheServer(t *testing.T) {
	t.Parallel()
	s := New(Options{})
	t.Cleanup(s.Close)
	s.Phone(7, "person", "ru").Start("")
	odd := []string{
		"", "0", "-1", "7", "9223372036854775808", "1e400", "true", "null", `""`, `"x"`, "[]", "[[]]", "[null]", "[[[[]]]]", "{}", `{"type":null}`,
		`{"type":"photo"}`, `[{"type":"document"}]`, `{"type":7}`, `{"inline_keyboard":[[null]]}`, `{"inline_keyboard":[[{"text":null}]]}`, `{"keyboard":[["x"]]}`,
		`{"message_id":1.5}`, `{"message_id":99999999999999999999}`, "attach://x", "\x00", "{",
	}
	calls := 0
	for _, sh := range s.spec.methods {
		if sh.name == "getUpdates" {
			continue // may wait
		}
		required := url.Values{}
		for _, name := range sh.order {
			required.Set(name, "7")
		}
		for name := range sh.fields {
			for _, value := range odd {
				form := maps.Clone(required)
				form.Set(name, value)
				req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/bot1:test/"+sh.name, strings.NewReader(form.Encode()))
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				w := httptest.NewRecorder()
				s.ServeHTTP(w, req)
				calls++
				var e envelope
				if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.OK != (w.Code == 200) || !e.OK && e.Description == "" {
					t.Fatalf("%s with %s=%q: %d %s", sh.name, name, value, w.Code, w.Body)
				}
				if w.Code >= 500 {
					t.Errorf("%s with %s=%q: %d", sh.name, name, value, w.Code)
				}
			}
		}
	}
	if calls < 10000 {
		t.Errorf("only %d calls", calls)
	}
}
