"""What is learned: labels, splits, the three phases, and the pipeline that judges them out of sample."""

from esbt.market_config import Market, Synthetic
from python_models.bundles import load_bundle, save_bundle
from python_models.calibration import choose_calibration
from python_models.config import Learning, RunConfig, load_config
from python_models.cross_validation import CombinatorialPurgedCV, PurgedKFold, nested
from python_models.ensemble import stack
from python_models.labels import Labels, label_trades
from python_models.learn import Learned, Training, learn
from python_models.learners import Learner, Sample
from python_models.network import NetworkLearner
from python_models.pipeline import PipelineResult, TradingSystemPipeline
from python_models.position_sizer import PositionSizer
from python_models.reliability import reliability_table
from python_models.sample_weights import average_uniqueness, class_weights
from python_models.threshold import utility_threshold
from python_models.tuning import tune
from python_models.walk import PipelineTrainer, pipeline_steps

__all__ = [
    "CombinatorialPurgedCV",
    "Labels",
    "Learned",
    "Learner",
    "Learning",
    "Market",
    "NetworkLearner",
    "PipelineResult",
    "PipelineTrainer",
    "PositionSizer",
    "PurgedKFold",
    "RunConfig",
    "Sample",
    "Synthetic",
    "TradingSystemPipeline",
    "Training",
    "average_uniqueness",
    "choose_calibration",
    "class_weights",
    "label_trades",
    "learn",
    "load_bundle",
    "load_config",
    "nested",
    "pipeline_steps",
    "reliability_table",
    "save_bundle",
    "stack",
    "tune",
    "utility_threshold",
]
