//! One work for each of many things, on one processor or on all; what comes of it stands in the order of the things.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError, mpsc};
use std::thread::{Builder, Scope, ScopedJoinHandle, available_parallelism, scope};

/// A thread has less room than the process; documents may be deep.
const STACK_BYTES: usize = 8 << 20;
/// To start a thread, and to tell it what all know, takes as long as some manifests.
const FEW: usize = 24;

/// Which threads share a work.
#[derive(Debug, Clone, Copy, Default)]
pub enum Workers {
    /// The one that asks, for work of which others have their own.
    #[default]
    One,
    /// One for each processor.
    All,
}

impl Workers {
    /// Says who helps with each of so many things that are worked on at the same time.
    pub fn within(things: usize) -> Workers {
        if things > 1 { Workers::One } else { Workers::All }
    }

    /// Says how many threads are worth while for so many things.
    pub fn count(self, things: usize) -> usize {
        match self {
            Workers::All if things >= FEW => processors(things),
            _ => 1,
        }
    }

    /// Makes something of each thing.
    pub fn map<I: Send, T: Send>(self, things: Vec<I>, work: impl Fn(I) -> T + Sync) -> Vec<T> {
        let states = vec![(); self.count(things.len())];
        map_with(states, things, |(), thing| work(thing))
    }

    /// Does two things, at the same time if there is another to help; it pays where each takes as long as many
    /// manifests.
    pub fn both<A: Send, B>(self, one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B) -> (A, B) {
        if matches!(self, Workers::One) {
            return (one(), other());
        }
        scope(|scope| {
            let thread = start(scope, one);
            let other = other();
            (thread.join().unwrap_or_else(|panic| resume_unwind(panic)), other)
        })
    }
}

/// Works on each of some numbers on all processors, and hands over what comes of each as soon as it is there.
pub fn each<T: Send>(numbers: &[usize], work: &(dyn Fn(usize) -> T + Sync), take: &mut dyn FnMut(usize, T)) {
    // Memory is cheapest for the thread that the process began with.
    if let [number] = numbers {
        return take(*number, work(*number));
    }
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    scope(|scope| {
        for _ in 0..processors(numbers.len()) {
            let (sender, next) = (sender.clone(), &next);
            start(scope, move || {
                while let Some(number) = numbers.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if sender.send((*number, work(*number))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        receiver.iter().for_each(|(number, made)| take(number, made));
    });
}

/// So many parts of the things fall to each thread, so that none ends long before the others.
const PARTS: usize = 8;

/// Makes something of each thing, on a thread for each state.
pub fn map_with<S: Send, I: Send, T: Send>(
    mut states: Vec<S>,
    things: Vec<I>,
    work: impl Fn(&mut S, I) -> T + Sync,
) -> Vec<T> {
    let Some(mut own) = states.pop() else { return Vec::new() };
    if states.is_empty() {
        return things.into_iter().map(|thing| work(&mut own, thing)).collect();
    }
    let count = things.len();
    let size = count.div_ceil((states.len() + 1) * PARTS);
    let left = Mutex::new((0, things.into_iter()));
    let next = || {
        let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
        let part: Vec<I> = left.1.by_ref().take(size).collect();
        left.0 += 1;
        (!part.is_empty()).then_some((left.0, part))
    };
    let made = |mut state: S| {
        let mut made = Vec::new();
        while let Some((number, part)) = next() {
            made.push((number, part.into_iter().map(|thing| work(&mut state, thing)).collect::<Vec<T>>()));
        }
        made
    };
    let mut parts = scope(|scope| {
        let threads: Vec<_> = states.into_iter().map(|state| start(scope, || made(state))).collect();
        // Whoever asks does its share.
        let mut parts = made(own);
        let join =
            |thread: ScopedJoinHandle<'_, _>| thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        parts.extend(threads.into_iter().flat_map(join));
        parts
    });
    parts.sort_unstable_by_key(|(number, _)| *number);
    let mut all = Vec::with_capacity(count);
    parts.into_iter().for_each(|(_, part)| all.extend(part));
    all
}

/// Counts the processors that so many things can use. To ask for them costs the system some files to read, so that is
/// done once, and for several things only.
fn processors(things: usize) -> usize {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    if things < 2 {
        return things;
    }
    let count = *PROCESSORS.get_or_init(|| available_parallelism().map_or(1, usize::from));
    count.min(things)
}

fn start<'s, T: Send + 's>(
    scope: &'s Scope<'s, '_>,
    work: impl FnOnce() -> T + Send + 's,
) -> ScopedJoinHandle<'s, T> {
    let thread = Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work);
    thread.expect("the system has room for a thread for each processor")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_stands_in_the_order_of_the_things() {
        for count in [0, 1, FEW, 10 * FEW] {
            let expected: Vec<String> = (0..count).map(|n| n.to_string()).collect();
            for workers in [Workers::One, Workers::All] {
                assert_eq!(workers.map((0..count).collect(), |n| n.to_string()), expected);
            }
            let made = map_with(vec![(); 3], (0..count).collect(), |(), n| n.to_string());
            assert_eq!(made, expected);
        }
    }

    #[test]
    fn two_things_are_done_at_the_same_time_if_another_helps() {
        let meeting = std::sync::Barrier::new(2);
        let meet = || meeting.wait().is_leader();
        let (one, other) = Workers::All.both(meet, meet);
        assert!(one != other);
        assert_eq!(Workers::One.both(|| 1, || 2), (1, 2));
    }

    #[test]
    fn all_threads_work_at_the_same_time() {
        let meeting = std::sync::Barrier::new(3);
        // Without three threads at once nobody would leave the first meeting.
        let numbers: Vec<usize> = (0..3 * FEW).collect();
        let met = map_with(vec![0; 3], numbers, |count, number| {
            *count += 1;
            if *count == 1 {
                meeting.wait();
            }
            number
        });
        assert_eq!(met.len(), 3 * FEW);
    }
}
