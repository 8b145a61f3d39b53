package bot

import (
	"context"

	"flowbot/service"
)

// uploadNotices are the notices of this subject.
func (b *Bot) uploadNotices() map[string]notice {
	return map[string]notice{service.UploadNotice{}.NoticeKind(): {b.renderDraft, true}}
}

// fileForm is what a conversation that takes a file remembers of it. It is
// embedded in the conversation's form.
type fileForm struct {
	LastIn   int            // the person's newest message: a card above it is out of sight
	UploadID int64          // the accepted file, once the person has gone on
	Album    string         // of the newest file, "" when it came by itself
	Refused  service.Reason // what the card begins with, "" for nothing
}

// fileView is what the text of a fileStep shows. The text "upload_state" says
// what has become of the file.
type fileView[F any] struct {
	Form *F
	File *service.Upload // nil while there is none
	// Words say why the file was refused, "" when it was not.
	Words string
}

// refused is the refused file that the card names, nil for none.
func (v *fileView[F]) refused() *service.Upload {
	if v.File == nil || v.File.State != service.UploadRefused {
		return nil
	}
	return v.File
}

// fileStep is the step of a conversation that takes one file. The file lies
// beside the form and outlives it: whoever begins again finds it.
type fileStep[F any] struct {
	Purpose service.UploadPurpose
	Subject func(*F) int64
	Form    func(*F) *fileForm
	Ask     string // name of a text about a fileView[F]
	// Rows are the buttons under an accepted file in the place of «Готово», nil for
	// it alone. Typing «Готово» goes on all the same.
	Rows func(ctx context.Context, b *Bot, t *Turn, f *F, u *service.Upload) ([][]Button, error)
	// Press answers what the step does not know by itself: presses of Rows, words.
	// u is nil while there is no file. nil repeats what is awaited.
	Press func(ctx context.Context, b *Bot, t *Turn, f *F, u *service.Upload) (Outcome, error)
	// Back draws «Назад», for a step that is not the first.
	Back bool
}

// step makes the step of a wizard.
func (s fileStep[F]) step(name string) Step[F] {
	return Step[F]{Name: name, Ask: s.ask, Take: s.take, Files: true, Lies: s.lies}
}

// lies reports whether a file lies there that was not refused.
func (s fileStep[F]) lies(ctx context.Context, b *Bot, t *Turn, f *F) (bool, error) {
	u, err := s.current(ctx, b, t, f)
	return u != nil && u.State != service.UploadRefused, err
}

func (s fileStep[F]) current(ctx context.Context, b *Bot, t *Turn, f *F) (*service.Upload, error) {
	return b.Uploads.Current(ctx, t.By, s.Purpose, s.Subject(f))
}

func (s fileStep[F]) ask(ctx context.Context, b *Bot, t *Turn, f *F) (Reply, error) {
	u, err := s.current(ctx, b, t, f)
	if err != nil {
		return Reply{}, err
	}
	v := fileView[F]{Form: f, File: u}
	r := Reply{Text: s.Ask, Data: &v, Card: true, Lead: string(s.Form(f).Refused)}
	last := row(Button{Press: t.inTalk(pressCancel, 0)})
	if s.Back {
		last = row(Button{Press: t.inTalk(pressBack, 0)}, last[0])
	}
	if u == nil {
		r.Rows = [][]Button{last}
		return r, nil
	}
	v.Words = u.Words
	if u.State == service.UploadAccepted {
		r.Rows = [][]Button{row(Button{Press: t.inTalk(pressDone, 0)})}
		if s.Rows != nil {
			if r.Rows, err = s.Rows(ctx, b, t, f, u); err != nil {
				return Reply{}, err
			}
		}
	}
	if u.State != service.UploadRefused {
		r.Rows = append(r.Rows, row(Button{Label: "remove_file", Args: u.Name, Press: t.inTalk(pressRemove, u.ID)}))
	}
	r.Rows = append(r.Rows, last)
	return r, nil
}

func (s fileStep[F]) take(ctx context.Context, b *Bot, t *Turn, f *F) (Outcome, error) {
	form := s.Form(f)
	if t.File != nil {
		return s.takeFile(ctx, b, t, f)
	}
	u, err := s.goOn(ctx, b, t, f)
	if err != nil {
		return stay, err
	}
	switch {
	case t.Press == nil:
	case t.Press.Do == pressRemove:
		id := t.Press.ID
		if t.typed && u != nil { // there is only one
			id = u.ID
		}
		return stay, b.Uploads.Remove(ctx, t.By, id)
	case t.Press.Do == pressDone:
		return next, goesOn(form, u)
	}
	if s.Press != nil {
		return s.Press(ctx, b, t, f, u)
	}
	return stay, unexpected(t)
}

// goOn returns the file that is there, once the refusals that the person has seen
// are forgotten: they have gone on.
func (s fileStep[F]) goOn(ctx context.Context, b *Bot, t *Turn, f *F) (*service.Upload, error) {
	s.Form(f).Refused = ""
	u, err := s.current(ctx, b, t, f)
	if err != nil || u == nil || u.State != service.UploadRefused || !u.Told {
		return u, err
	}
	return nil, b.Uploads.Remove(ctx, t.By, u.ID)
}

// goesOn remembers the file with which the conversation goes on, or says why it
// cannot.
func goesOn(form *fileForm, u *service.Upload) error {
	switch {
	case u == nil || u.State == service.UploadRefused:
		return &service.Error{Kind: service.Invalid, Reason: service.ReasonUploadMissing}
	case u.State == service.UploadWaiting:
		return &service.Error{Kind: service.Invalid, Reason: service.ReasonUploadPending}
	}
	form.UploadID = u.ID
	return nil
}

// takeFile receives a file; what a worker finds is shown by a notice. Of an album
// nothing is taken, and that is said once.
func (s fileStep[F]) takeFile(ctx context.Context, b *Bot, t *Turn, f *F) (Outcome, error) {
	form := s.Form(f)
	form.LastIn = t.Message
	if t.File.Album != "" && t.File.Album == form.Album {
		return held, nil
	}
	form.Album = t.File.Album
	if _, err := s.goOn(ctx, b, t, f); err != nil {
		return stay, err
	}
	_, err := b.Uploads.Receive(ctx, t.By, service.UploadInput{
		Purpose: s.Purpose, SubjectID: s.Subject(f), UpdateID: t.UpdateID, ChatRef: t.File.Ref,
		Name: t.File.Name, Size: t.File.Size, Album: t.File.Album != "",
	})
	if service.ReasonOf(err) == service.ReasonUploadAlbum {
		form.Refused = service.ReasonUploadAlbum
		return stay, nil
	}
	return held, err
}
