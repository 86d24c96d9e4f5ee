// Threads that go through rounds of work together: the numbers of a round are handed out one by one, and no round begins before the one
// before is done. Knows nothing of the work.
#pragma once
#include <atomic>
#include <barrier>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace esbt::sweep {

class Crew {
  public:
    explicit Crew(int threads) : size_(threads), start_(threads), end_(threads) {
        try {
            for (int id = 1; id < size_; ++id) threads_.emplace_back([this, id] { serve(id); });
        } catch (...) {  // the machine gives no more
            dismiss(size_ - static_cast<int>(threads_.size()));
            throw;
        }
    }
    ~Crew() {
        if (!threads_.empty()) dismiss(1);
    }
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;

    int size() const { return size_; }

    // work(number, thread) for each number below count. Throws what the first failure threw.
    void run(std::int64_t count, const std::function<void(std::int64_t, int)>& work) {
        next_ = 0;
        count_ = count;
        work_ = &work;
        if (!threads_.empty()) start_.arrive_and_wait();
        take(0);
        if (!threads_.empty()) end_.arrive_and_wait();
        if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
    }

  private:
    void dismiss(int not_waiting) {
        work_ = nullptr;
        static_cast<void>(start_.arrive(not_waiting));
        for (std::thread& t : threads_) t.join();
    }

    void serve(int id) {
        for (;;) {
            start_.arrive_and_wait();
            if (!work_) return;
            take(id);
            end_.arrive_and_wait();
        }
    }

    void take(int id) {
        try {
            for (std::int64_t k; (k = next_.fetch_add(1)) < count_;) (*work_)(k, id);
        } catch (...) {
            const std::lock_guard hold(lock_);
            if (!failure_) failure_ = std::current_exception();
        }
    }

    const int size_;
    std::barrier<> start_, end_;
    std::atomic<std::int64_t> next_{0};
    std::int64_t count_ = 0;
    const std::function<void(std::int64_t, int)>* work_ = nullptr;
    std::mutex lock_;
    std::exception_ptr failure_;
    std::vector<std::thread> threads_;
};

}  // namespace esbt::sweep
