//! Texts as they can stand in a page.

/// A text from a file or a user, as part of a page or of an attribute.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn nothing_in_a_text_is_taken_for_a_tag() {
        assert_eq!(escaped("<b>&\"it's\"</b> ε"), "&lt;b&gt;&amp;&quot;it&#39;s&quot;&lt;/b&gt; ε");
    }
}
