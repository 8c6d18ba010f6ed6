// A disk that fails where it is told to: a layer over SQLite's default VFS that counts what changes files
// (and opens, and reads them) and lets chosen calls fail. Syncs are counted, not made: no power fails in a
// unit test.
#pragma once

#include <sqlite3.h>

#include <atomic>
#include <cstring>
#include <string>

namespace lodge::db {

// SQLite's default VFS while it lives. One at a time.
class FaultyDisk {
  public:
    enum class Fault { full, broken };

    FaultyDisk() : inner_(sqlite3_vfs_find(nullptr)), vfs_(*inner_) {
        self = this;
        vfs_.zName = "faulty";
        vfs_.szOsFile = static_cast<int>(sizeof(File)) + inner_->szOsFile;
        vfs_.xOpen = open;
        vfs_.xDelete = remove;
        sqlite3_vfs_register(&vfs_, 1);
    }
    ~FaultyDisk() {
        sqlite3_vfs_unregister(&vfs_);
        sqlite3_vfs_register(inner_, 1);
        self = nullptr;
    }
    FaultyDisk(const FaultyDisk&) = delete;
    FaultyDisk& operator=(const FaultyDisk&) = delete;

    // From the `first`th call on, counted from 0 now, `count` calls fail.
    void fail_from(int first, int count, Fault fault) {
        calls_ = 0;
        fault_ = fault;
        first_ = first;
        end_ = first + count;
    }
    void heal() { first_ = end_ = -1; }
    int calls() const { return calls_; }

  private:
    struct File {
        sqlite3_file base;
        sqlite3_io_methods methods;  // the inner file's, with ours in front
        sqlite3_file* inner() { return reinterpret_cast<sqlite3_file*>(this + 1); }
    };
    static File& of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }

    // What the next call fails with; SQLITE_OK: it does not.
    int next(int broken_code) {
        const int call = calls_++;
        if (call < first_ || call >= end_) return SQLITE_OK;
        return fault_ == Fault::full && broken_code == SQLITE_IOERR_WRITE ? SQLITE_FULL : broken_code;
    }

    static int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
        auto& made = of(file);
        made.base.pMethods = nullptr;
        if (int code = self->next(SQLITE_CANTOPEN)) return code;
        int code = self->inner_->xOpen(self->inner_, name, made.inner(), flags, out_flags);
        if (code != SQLITE_OK) return code;
        set_methods(made);
        return SQLITE_OK;
    }
    static int remove(sqlite3_vfs*, const char* name, int sync_folder) {
        if (int code = self->next(SQLITE_IOERR_DELETE)) return code;
        return self->inner_->xDelete(self->inner_, name, sync_folder);
    }

    static void set_methods(File& file) {
        auto& m = file.methods;
        m = *file.inner()->pMethods;
        m.iVersion = 2;  // without memory maps of the database: they would pass by
        m.xClose = [](sqlite3_file* f) { return of(f).inner()->pMethods->xClose(of(f).inner()); };
        m.xRead = [](sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
            if (int code = self->next(SQLITE_IOERR_READ)) return code;
            return of(f).inner()->pMethods->xRead(of(f).inner(), to, size, at);
        };
        m.xWrite = [](sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
            if (int code = self->next(SQLITE_IOERR_WRITE)) {
                // As on a real one, half of it may be there.
                static_cast<void>(of(f).inner()->pMethods->xWrite(of(f).inner(), from, size / 2, at));
                return code;
            }
            return of(f).inner()->pMethods->xWrite(of(f).inner(), from, size, at);
        };
        m.xTruncate = [](sqlite3_file* f, sqlite3_int64 size) {
            if (int code = self->next(SQLITE_IOERR_TRUNCATE)) return code;
            return of(f).inner()->pMethods->xTruncate(of(f).inner(), size);
        };
        m.xSync = [](sqlite3_file*, int) { return self->next(SQLITE_IOERR_FSYNC); };
        m.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) {
            return of(f).inner()->pMethods->xFileSize(of(f).inner(), size);
        };
        m.xLock = [](sqlite3_file* f, int level) {
            return of(f).inner()->pMethods->xLock(of(f).inner(), level);
        };
        m.xUnlock = [](sqlite3_file* f, int level) {
            return of(f).inner()->pMethods->xUnlock(of(f).inner(), level);
        };
        m.xCheckReservedLock = [](sqlite3_file* f, int* out) {
            return of(f).inner()->pMethods->xCheckReservedLock(of(f).inner(), out);
        };
        m.xFileControl = [](sqlite3_file* f, int op, void* argument) {
            return of(f).inner()->pMethods->xFileControl(of(f).inner(), op, argument);
        };
        m.xSectorSize = [](sqlite3_file* f) { return of(f).inner()->pMethods->xSectorSize(of(f).inner()); };
        m.xDeviceCharacteristics = [](sqlite3_file* f) {
            return of(f).inner()->pMethods->xDeviceCharacteristics(of(f).inner());
        };
        m.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
            if (int code = self->next(SQLITE_IOERR_SHMMAP)) return code;
            return of(f).inner()->pMethods->xShmMap(of(f).inner(), page, size, extend, out);
        };
        m.xShmLock = [](sqlite3_file* f, int at, int count, int flags) {
            return of(f).inner()->pMethods->xShmLock(of(f).inner(), at, count, flags);
        };
        m.xShmBarrier = [](sqlite3_file* f) { of(f).inner()->pMethods->xShmBarrier(of(f).inner()); };
        m.xShmUnmap = [](sqlite3_file* f, int remove_it) {
            return of(f).inner()->pMethods->xShmUnmap(of(f).inner(), remove_it);
        };
        file.base.pMethods = &m;
    }

    static inline FaultyDisk* self = nullptr;
    sqlite3_vfs* inner_;
    sqlite3_vfs vfs_;
    std::atomic<int> calls_{0};
    std::atomic<int> first_{-1};
    std::atomic<int> end_{-1};
    std::atomic<Fault> fault_{Fault::broken};
};

}  // namespace lodge::db
