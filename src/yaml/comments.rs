//! Where the comments of a text stand.

use granit_parser::{Event, Parser};

use crate::source::{Place, SourceId};

/// Lists the places of comments, each from its `#` to the end of its line.
pub fn comments(source: SourceId, text: &str) -> Vec<Place> {
    let options = granit_parser::options! { emit_comments: true, emit_unresolved_aliases: true };
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut places = Vec::new();
    loop {
        match parser.next_event() {
            None | Some(Ok((Event::StreamEnd, _))) => return places,
            Some(Ok((Event::Comment(..), span))) => {
                let range = span.byte_range().filter(|range| range.end <= text.len());
                places.extend(range.map(|range| Place::new(source, range)));
            }
            Some(Ok(_)) => {}
            Some(Err(_)) => {
                if !matches!(parser.proceed_next_document(), Ok(true)) {
                    return places;
                }
            }
        }
    }
}
