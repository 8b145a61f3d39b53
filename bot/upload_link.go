package bot

import (
	"context"
	"strings"
	"time"

	"flowbot/service"
)

// pressUploadPage asks for a link to our own page for files that the chat cannot
// fetch. The ID is the exam's.
const pressUploadPage Action = "ulp"

func (b *Bot) uploadLinkActions() []action {
	return []action{{pressUploadPage, "upload_page", b.uploadPagePressed}}
}

// uploadPageRow is the row that leads to the page for files that the chat cannot
// fetch, nil where there is none.
func (b *Bot) uploadPageRow(_ *Turn, examID int64) []Button {
	if b.PublicURL == "" {
		return nil
	}
	return row(Button{Press: Press{Do: pressUploadPage, ID: examID}})
}

// uploadLinkCard is the living message with the newest link: those before it lead
// nowhere.
const uploadLinkCard = "upload_link"

// uploadLinkView is what is said of a link.
type uploadLinkView struct {
	Exam  string // number
	Until time.Time
	Zone  string
}

// uploadPagePressed makes a link. It comes as a message of its own: files can be
// sent in chat beside it.
func (b *Bot) uploadPagePressed(ctx context.Context, t *Turn) (Reply, error) {
	if b.PublicURL == "" {
		return Reply{Text: "upload_link_none", Rows: [][]Button{row(Button{Press: Press{Do: pressMenu}})}}, nil
	}
	if t.Press.ID == 0 {
		return b.chooseExam(ctx, t, service.ExamFilter{Certificates: scansAwaited, Own: true}, pressUploadPage)
	}
	e, err := b.Batches.Begin(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	token, l, err := b.Links.Give(ctx, t.By, e.ID, t.UpdateID)
	if err != nil {
		return Reply{}, err
	}
	return Reply{
		Text: "upload_link", Data: uploadLinkView{e.Number, l.ExpiresAt, t.By.Zone}, Name: uploadLinkCard,
		Rows: [][]Button{row(Button{Label: "upload_page_open", URL: strings.TrimRight(b.PublicURL, "/") + "/upload/" + token})},
	}, nil
}
